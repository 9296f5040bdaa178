// The module, opened as the engine opens it: nothing of libtorch is linked here.
#pragma once

#include "common/engine/native_module.hpp"

#include <array>
#include <cstdlib>
#include <memory>
#include <string>

#include <dlfcn.h>
#include <gtest/gtest.h>

namespace covenant::engine {

// nullptr when the module does not open; dlerror then says why.
inline NativeOpsFactory* native_ops_factory() {
    static NativeOpsFactory* const function = [] {
        setenv("OMP_WAIT_POLICY", "passive", 0);
        setenv("OMP_NUM_THREADS", "1", 0);
        setenv("OPENBLAS_NUM_THREADS", "1", 0);
        void* module = dlopen(COVENANT_NATIVE_MODULE, RTLD_NOW | RTLD_LOCAL);
        void* symbol = module == nullptr ? nullptr : dlsym(module, kNativeOpsSymbol);
        return reinterpret_cast<NativeOpsFactory*>(symbol);
    }();
    return function;
}

inline std::unique_ptr<Ops> make_native(const ModelConfig& config, int precision,
                                        unsigned threads = 1) {
    NativeOpsFactory* function = native_ops_factory();
    if (function == nullptr) {
        ADD_FAILURE() << "cannot open " << COVENANT_NATIVE_MODULE << ": " << dlerror();
        return nullptr;
    }
    std::array<char, 512> error{};
    std::unique_ptr<Ops> ops(function(&config, precision, threads, 0, error.data(), error.size()));
    if (!ops) ADD_FAILURE() << error.data();
    return ops;
}

}  // namespace covenant::engine
