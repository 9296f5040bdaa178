// A value that copies share until one of them is edited. A copy costs a pointer; the first edit of
// a shared value copies it. Copies may be read, copied and dropped in any threads; edit() is for
// the thread that owns this copy.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace covenant {

template <typename T>
class CopyOnWrite {
  public:
    CopyOnWrite() : box_(std::make_shared<Box>()) {}
    CopyOnWrite(const CopyOnWrite& other) : box_(other.box_) { hold(); }
    CopyOnWrite(CopyOnWrite&& other) noexcept = default;  // the moved-from one is only dropped
    CopyOnWrite& operator=(CopyOnWrite other) noexcept {
        std::swap(box_, other.box_);
        return *this;
    }
    ~CopyOnWrite() {
        if (box_) box_->holders.fetch_sub(1, std::memory_order_release);
    }

    [[nodiscard]] const T& get() const { return box_->value; }
    T& edit() {
        // The count is the class's own, not shared_ptr's, whose use_count() does not wait for what
        // the last other holder read.
        if (box_->holders.load(std::memory_order_acquire) != 1) {
            *this = CopyOnWrite(std::make_shared<Box>(box_->value));
        }
        return box_->value;
    }

  private:
    struct Box {
        Box() = default;
        explicit Box(const T& initial) : value(initial) {}
        T value{};
        std::atomic<std::uint32_t> holders{1};
    };
    explicit CopyOnWrite(std::shared_ptr<Box> box) : box_(std::move(box)) {}
    void hold() { box_->holders.fetch_add(1, std::memory_order_relaxed); }

    std::shared_ptr<Box> box_;
};

}  // namespace covenant
