// covenant-vectors DIRECTORY: writes every golden vector file into the directory.
#include "tools/vectors/vectors.hpp"

#include <cstdio>
#include <fstream>
#include <string>

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fputs(
            "usage: covenant-vectors DIRECTORY\nWrites the golden vectors, as in: "
            "covenant-vectors tests/vectors\n",
            stderr);
        return 2;
    }
    for (const covenant::vectors::VectorFile& file : covenant::vectors::all_vectors()) {
        const std::string path = std::string(argv[1]) + "/" + file.name;
        std::ofstream out(path, std::ios::binary | std::ios::trunc);
        out << file.text;
        out.close();
        if (!out) {
            std::fprintf(stderr,
                         "covenant-vectors: cannot write %s: check that the directory exists and "
                         "has room\n",
                         path.c_str());
            return 1;
        }
        std::printf("%s %zu bytes\n", path.c_str(), file.text.size());
    }
    return 0;
}
