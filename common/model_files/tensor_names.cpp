#include "common/model_files/tensor_names.hpp"

#include "common/base/assert.hpp"

#include <array>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

namespace covenant::model_files {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kWhole = {
    {{"model.embed_tokens.weight", "token_embd.weight"},
     {"model.norm.weight", "output_norm.weight"},
     {"lm_head.weight", "output.weight"}}};
constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kOfLayer = {
    {{"input_layernorm.weight", "attn_norm.weight"},
     {"self_attn.q_proj.weight", "attn_q.weight"},
     {"self_attn.k_proj.weight", "attn_k.weight"},
     {"self_attn.v_proj.weight", "attn_v.weight"},
     {"self_attn.o_proj.weight", "attn_output.weight"},
     {"post_attention_layernorm.weight", "ffn_norm.weight"},
     {"mlp.gate_proj.weight", "ffn_gate.weight"},
     {"mlp.up_proj.weight", "ffn_up.weight"},
     {"mlp.down_proj.weight", "ffn_down.weight"}}};
constexpr std::string_view kLayers = "model.layers.";

std::string shape_text(const std::vector<std::uint64_t>& shape) {
    return fmt::format("[{}]", fmt::join(shape, ", "));
}

// Why a tensor that the shape does not have cannot simply be left out.
std::string foreign_reason(std::string_view name) {
    if (name.starts_with("rope_f")) {  // rope_freqs, rope_factors_long, rope_factors_short
        return "a scaled rotary table: this model's RoPE is not scaled";
    }
    if (name.ends_with(".rotary_emb.inv_freq")) {
        return "stored inverse frequencies of RoPE: this model computes its own from rope_theta; "
               "remove them if they are those";
    }
    if (name.ends_with(".bias")) return "a bias: this model has none";
    return "none of a model of this shape";
}

}  // namespace

std::string gguf_name(std::string_view name) {
    for (const auto& [ours, theirs] : kWhole) {
        if (name == ours) return std::string(theirs);
    }
    COVENANT_ASSERT(name.starts_with(kLayers), "a layout has no other tensors");
    const std::string_view rest = name.substr(kLayers.size());
    const std::size_t dot = rest.find('.');
    for (const auto& [ours, theirs] : kOfLayer) {
        if (rest.substr(dot + 1) == ours) {
            return fmt::format("blk.{}.{}", rest.substr(0, dot), theirs);
        }
    }
    COVENANT_ASSERT(false, "a layout has no other tensors");
    return {};
}

bool is_rotary(std::string_view name) {
    return name.ends_with(".q_proj.weight") || name.ends_with(".k_proj.weight");
}

Result<std::vector<StoredTensor>> match_tensors(const engine::ParameterLayout& layout,
                                                std::vector<StoredTensor> stored, Naming naming) {
    std::unordered_map<std::string, std::size_t> places;
    for (std::size_t i = 0; i < stored.size(); ++i) {
        if (!places.emplace(stored[i].name, i).second) {
            return fail(Errc::kMalformed, "tensor " + stored[i].name + " is there twice");
        }
    }
    std::vector<StoredTensor> out;
    out.reserve(layout.tensors().size());
    for (const engine::TensorSlot& slot : layout.tensors()) {
        const std::string name =
            naming == Naming::kGguf ? gguf_name(slot.name) : std::string(slot.name);
        const auto place = places.find(name);
        if (place == places.end()) {
            return fail(Errc::kMalformed, "tensor " + name + " is missing");
        }
        StoredTensor& tensor = stored[place->second];
        const std::vector<std::uint64_t> wanted =
            slot.is_norm ? std::vector<std::uint64_t>{slot.cols}
                         : std::vector<std::uint64_t>{slot.rows, slot.cols};
        if (tensor.shape != wanted) {
            return fail(Errc::kMalformed,
                        fmt::format("tensor {} has shape {}, the model's is {}", name,
                                    shape_text(tensor.shape), shape_text(wanted)));
        }
        COVENANT_ASSERT(tensor.bytes == slot.numel * bytes_of(tensor.type),
                        "readers check a tensor's size against its shape");
        out.push_back(std::move(tensor));
        places.erase(place);
    }
    if (!places.empty()) {
        const std::string& name = places.begin()->first;
        return fail(Errc::kMalformed, "tensor " + name + " is " + foreign_reason(name));
    }
    return out;
}

}  // namespace covenant::model_files
