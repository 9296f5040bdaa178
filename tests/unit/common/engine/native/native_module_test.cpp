// What the module's one symbol promises: errors as text, never an exception.
#include "tests/unit/common/engine/native/native_fixture.hpp"

#include <cstring>
#include <string_view>

namespace covenant::engine {
namespace {

ModelConfig small_config() {
    return {.vocab_size = 16,
            .d_model = 8,
            .layers = 1,
            .heads = 2,
            .kv_heads = 1,
            .d_ff = 8,
            .seq_len = 4};
}

class NativeModule : public testing::Test {
  protected:
    void SetUp() override {
        open_ = native_ops_factory();
        ASSERT_NE(open_, nullptr) << dlerror();
    }
    Ops* open(int precision, unsigned threads, int gpu) {
        return open_(&config_, precision, threads, gpu, error_.data(), error_.size());
    }

    NativeOpsFactory* open_ = nullptr;
    ModelConfig config_ = small_config();
    std::array<char, 256> error_{};
};

TEST_F(NativeModule, refuses_a_precision_it_does_not_know) {
    EXPECT_EQ(open(2, 1, 0), nullptr);
    EXPECT_NE(std::string_view(error_.data()).find("precision"), std::string_view::npos);
}

TEST_F(NativeModule, refuses_no_threads_and_absurdly_many) {
    EXPECT_EQ(open(kNativeF32, 0, 0), nullptr);
    EXPECT_NE(std::string_view(error_.data()).find("threads"), std::string_view::npos);
    EXPECT_EQ(open(kNativeF32, 1U << 20U, 0), nullptr);
}

TEST_F(NativeModule, cuts_the_text_to_the_room_there_is) {
    std::array<char, 8> room;
    room.fill('#');
    EXPECT_EQ(open_(&config_, 2, 1, 0, room.data(), 4), nullptr);
    EXPECT_EQ(std::strlen(room.data()), 3U);
    EXPECT_EQ(room[4], '#');
    EXPECT_EQ(open_(&config_, 2, 1, 0, nullptr, 0), nullptr);
}

TEST_F(NativeModule, a_gpu_is_used_or_missed_with_a_text) {
    const std::unique_ptr<Ops> ops(open(kNativeF32, 1, 1));
    if (ops) {
        EXPECT_FALSE(ops->host_memory());
    } else {
        EXPECT_GT(std::strlen(error_.data()), 0U);
    }
}

TEST_F(NativeModule, memory_that_there_is_not_is_a_null_pointer) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "the sanitizer ends the process instead";
#endif
    const std::unique_ptr<Ops> ops(open(kNativeF32, 1, 0));
    ASSERT_NE(ops, nullptr);
    EXPECT_EQ(ops->allocate(std::size_t{1} << 58U), nullptr);
}

TEST_F(NativeModule, memory_is_copied_in_inside_and_out) {
    const std::unique_ptr<Ops> ops(open(kNativeBf16, 1, 0));
    ASSERT_NE(ops, nullptr);
    EXPECT_TRUE(ops->host_memory());
    const std::array<float, 3> values{1.0F, -2.5F, 1e-30F};
    const std::shared_ptr<float[]> a = ops->allocate(3);
    const std::shared_ptr<float[]> b = ops->allocate(3);
    std::array<float, 3> back{};
    ops->copy_in(values.data(), 3, a.get());
    ops->copy(a.get(), 3, b.get());
    ops->set_zero(a.get(), 2);
    ops->copy_out(b.get(), 3, back.data());
    EXPECT_EQ(back, values);
    ops->copy_out(a.get(), 3, back.data());
    EXPECT_EQ(back, (std::array<float, 3>{0.0F, 0.0F, 1e-30F}));
}

}  // namespace
}  // namespace covenant::engine
