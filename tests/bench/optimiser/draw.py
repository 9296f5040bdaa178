"""The loss curves of benchmark B1 as one SVG: a panel for each grid and H, mean lines with bands from the least to the most
over the seeds. Of SparseLoCo's variants each density is drawn at its best p."""

import html
import math
import statistics

import report

WIDTH, HEIGHT = 620, 400  # of a panel
LEFT, RIGHT, TOP, BOTTOM = 62, 16, 46, 48
COLOURS = {"adamw": "#000000", "dense": "#0072b2", "diloco": "#d55e00"}
SPARSE_COLOURS = {64: "#cc79a7", 256: "#009e73", 1024: "#e69f00"}
SHOWN_FROM = 0.2  # of the run: the y axis begins at the loss there, the steep fall before it is cut off


def curve(runs):
    """[(tokens, mean, least, most)] over the seeds."""
    points = {}
    for run in runs:
        for tokens, loss in run["curve"]:
            points.setdefault(tokens, []).append(loss)
    return [(tokens, statistics.mean(losses), min(losses), max(losses)) for tokens, losses in sorted(points.items())]


def chosen(setting, inner_steps):
    picked = [one for one in setting.variants()
              if one.optimiser == "adamw" or (one.H == inner_steps and one.optimiser != "sparseloco")]
    for keep in sorted({one.k for one in setting.runs if one.k is not None and one.H == inner_steps}):
        picked.append(setting.sparse(inner_steps, keep)[0])
    return picked


def ticks(low, high, wanted):
    """Multiples of 1, 2 or 5 times a power of ten within [low, high], at least `wanted` of them where they fit."""
    exponent = math.floor(math.log10((high - low) / wanted))
    step = max(one * 10.0 ** exponent for one in (1, 2, 5) if one * 10.0 ** exponent <= (high - low) / wanted)
    return [round(at * step, 9) for at in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def panel(setting, inner_steps, left, top, at):
    curves = {one: curve(setting.runs[one].values()) for one in chosen(setting, inner_steps)}
    end = setting.about["tokens"]
    shown = [point for points in curves.values() for point in points if point[0] >= SHOWN_FROM * end]
    low, high = min(point[2] for point in shown), max(point[3] for point in shown)
    low, high = low - 0.04 * (high - low), high + 0.04 * (high - low)
    inner_width, inner_height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def x(tokens):
        return left + LEFT + inner_width * tokens / end

    def y(loss):
        return top + TOP + inner_height * (high - loss) / (high - low)

    about = setting.about
    seeds = max(len(runs) for runs in setting.runs.values())
    title = f"{about['grid']}: {about['parameters'] / 1e6:.2g}M parameters, H = {inner_steps}"
    under = f"{about['peers']} peers, {about['text']} text, {seeds} seed{'s' if seeds > 1 else ''}, {about['profile']}"
    out = [f'<text x="{left + LEFT}" y="{top + 20}" class="title">{html.escape(title)}</text>',
           f'<text x="{left + LEFT}" y="{top + 37}" class="small">{html.escape(under)}</text>',
           f'<clipPath id="clip{at}"><rect x="{x(0)}" y="{top + TOP}" width="{inner_width}" height="{inner_height}"/></clipPath>']
    for loss in ticks(low, high, 5):
        out.append(f'<path d="M{x(0)} {y(loss):.1f}h{inner_width}" class="grid"/>'
                   f'<text x="{x(0) - 6}" y="{y(loss) + 4:.1f}" class="small" text-anchor="end">{loss:.4g}</text>')
    for tokens in ticks(0, end, 4):
        text = f"{tokens / 1e6:.4g}M" if tokens else "0"
        out.append(f'<path d="M{x(tokens):.1f} {top + HEIGHT - BOTTOM}v4" class="axis"/>'
                   f'<text x="{x(tokens):.1f}" y="{top + HEIGHT - BOTTOM + 17}" class="small" text-anchor="middle">{text}</text>')
    out.append(f'<rect x="{x(0)}" y="{top + TOP}" width="{inner_width}" height="{inner_height}" class="frame"/>')
    out.append(f'<text x="{x(end / 2)}" y="{top + HEIGHT - 12}" class="small" text-anchor="middle">tokens, all peers</text>')
    middle = top + TOP + inner_height / 2
    out.append(f'<text x="{left + 14}" y="{middle}" class="small" text-anchor="middle" '
               f'transform="rotate(-90 {left + 14} {middle})">held-out nats per token</text>')
    legend = []
    for variant, points in curves.items():
        colour = COLOURS.get(variant.optimiser) or SPARSE_COLOURS.get(variant.k, "#56b4e9")
        dashed = ' stroke-dasharray="6 4"' if variant.optimiser == "adamw" else ""
        band = [(tokens, most) for tokens, _, _, most in points] + [(tokens, least) for tokens, _, least, _ in reversed(points)]
        out.append(f'<polygon clip-path="url(#clip{at})" fill="{colour}" fill-opacity="0.15" points="'
                   + " ".join(f"{x(tokens):.1f},{y(loss):.1f}" for tokens, loss in band) + '"/>')
        out.append(f'<polyline clip-path="url(#clip{at})" fill="none" stroke="{colour}" stroke-width="1.8"{dashed} points="'
                   + " ".join(f"{x(tokens):.1f},{y(mean):.1f}" for tokens, mean, _, _ in points) + '"/>')
        name = report.label(variant).rsplit(" H=", 1)[0]
        legend.append((setting.mean(variant), name, colour, dashed))
    # In the order in which the lines end, the highest first.
    wide = 262
    where = left + WIDTH - RIGHT - wide - 6
    out.append(f'<rect x="{where}" y="{top + TOP + 6}" width="{wide}" height="{17 * len(legend) + 8}" fill="#fff" fill-opacity="0.85"/>')
    for row, (final, name, colour, dashed) in enumerate(sorted(legend, reverse=True)):
        line = top + TOP + 22 + 17 * row
        out.append(f'<path d="M{where + 8} {line - 4}h26" stroke="{colour}" stroke-width="2.2"{dashed}/>'
                   f'<text x="{where + 41}" y="{line}" class="small">{html.escape(name)}</text>'
                   f'<text x="{where + wide - 6}" y="{line}" class="small" text-anchor="end">{final:.3f}</text>')
    return out


def draw(found):
    """The SVG's text; None where there is nothing to draw."""
    panels = [(setting, steps) for setting in report.leading(found)
              for steps in sorted({one.H for one in setting.runs if one.optimiser != "adamw"})]
    if not panels:
        return None
    columns = min(2, len(panels))
    rows = (len(panels) + columns - 1) // columns
    head = 40
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {columns * WIDTH} {head + rows * HEIGHT}" '
           f'width="{columns * WIDTH}" height="{head + rows * HEIGHT}" role="img">',
           "<title>Held-out loss over tokens, by optimiser</title>",
           "<style>text{font-family:sans-serif;fill:#222}.head{font-size:18px;font-weight:bold}.title{font-size:15px;"
           "font-weight:bold}.small{font-size:12px}.grid{stroke:#ddd}.axis{stroke:#444}.frame{fill:none;stroke:#444}</style>",
           '<rect width="100%" height="100%" fill="#fff"/>',
           f'<text x="{LEFT}" y="28" class="head">Held-out loss at equal tokens (right: loss at the end)</text>']
    for at, (setting, steps) in enumerate(panels):
        out += panel(setting, steps, at % columns * WIDTH, head + at // columns * HEIGHT, at)
    return "\n".join([*out, "</svg>"]) + "\n"
