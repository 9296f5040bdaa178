// Runs a fuzz target once over each file of a corpus folder, over the empty input, and over each
// file cut to half and with its last byte flipped: a decoder that once crashed stays mended in
// every build, without libFuzzer. usage: fuzz_NAME FOLDER
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

std::vector<std::uint8_t> read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(file), {}};
    return {content.begin(), content.end()};
}

// From a buffer of exactly this size, so that a sanitizer sees a read past its end.
void run(const std::vector<std::uint8_t>& input) {
    const std::vector<std::uint8_t> exact(input);
    LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    try {
        std::error_code error;
        std::set<std::filesystem::path> files;
        for (const auto& entry : std::filesystem::directory_iterator(argv[1], error)) {
            if (entry.is_regular_file()) {
                files.insert(entry.path());
            }
        }
        if (files.empty()) {
            std::fprintf(stderr, "no seed in %s: a fuzz target comes with a corpus\n", argv[1]);
            return 1;
        }
        run({});
        for (const auto& path : files) {
            std::printf("%s\n", path.filename().c_str());
            std::fflush(stdout);  // the last name printed is the input that crashed
            std::vector<std::uint8_t> input = read_file(path);
            run(input);
            if (input.empty()) {
                continue;
            }
            run({input.begin(), input.begin() + static_cast<std::ptrdiff_t>(input.size() / 2)});
            input.back() ^= 0x01U;
            run(input);
        }
        std::printf("%zu seeds replayed\n", files.size());
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "an exception left the target: %s\n", failure.what());
        return 1;
    }
    return 0;
}
