// A loop over the chunks of a model, shared out to the threads of a pool.
#pragma once

#include "common/base/thread_pool.hpp"

#include <algorithm>
#include <cstddef>

namespace covenant::engine {

// body(chunk, worker) once for each chunk, in any order; worker < pool->threads(), 0 without a
// pool.
template <typename Body>
void for_chunks(std::size_t count, ThreadPool* pool, const Body& body) {
    constexpr std::size_t kTaskChunks = 16;  // chunks that a thread takes at a time
    const auto task = [&](std::size_t at, unsigned worker) {
        const std::size_t end = std::min(count, (at + 1) * kTaskChunks);
        for (std::size_t i = at * kTaskChunks; i < end; ++i)
            body(i, worker);
    };
    const std::size_t tasks = (count + kTaskChunks - 1) / kTaskChunks;
    if (pool != nullptr) {
        pool->parallel_for(tasks, task);
    } else {
        for (std::size_t at = 0; at < tasks; ++at)
            task(at, 0);
    }
}

}  // namespace covenant::engine
