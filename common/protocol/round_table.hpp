// What the events said about each round. A table of rounds is a map whose copies share the records:
// a copy costs a pointer a round, and a record is copied when it is edited while another table has
// it.
#pragma once

#include "common/base/assert.hpp"
#include "common/base/copy_on_write.hpp"
#include "common/protocol/event.hpp"

#include <cstddef>
#include <iterator>
#include <map>
#include <optional>

namespace covenant::protocol {

struct RecordedCommitment {
    SignedCommitment signed_commitment;
    ChainTime time;
    std::uint32_t order = 0;  // arrival among the round's commitments
};

struct Accepted {
    Hash256 root;
    std::uint32_t loss_bits = 0;
    bool operator==(const Accepted&) const = default;
};

struct RoundRecord {
    std::map<Uid, RecordedCommitment> commitments;
    std::map<Uid, crypto::StreamKey> keys;  // shown in time, of those commitments
    std::map<Uid, InclusionVoted> inclusion_votes;
    std::map<Uid, ParametersVoted> parameters_votes;
    std::optional<Accepted> accepted;
    std::map<Uid, Hash256> score_commitments;
    std::map<Uid, RevealedScores> reveals;
    std::map<Uid, ChainTime> failed;  // when the failure was settled
    std::map<Uid, Amount> credits;
    std::optional<RoundSettled> settled;
};

// The interface of a std::map<Round, RoundRecord>, as far as it is used; an iterator gives a pair
// of references.
class RoundTable {
    using Map = std::map<Round, CopyOnWrite<RoundRecord>>;

  public:
    struct Entry {
        const Round& first;
        const RoundRecord& second;
    };
    class ConstIterator {
      public:
        struct Arrow {
            Entry entry;
            const Entry* operator->() const { return &entry; }
        };
        using iterator_category = std::bidirectional_iterator_tag;
        using difference_type = std::ptrdiff_t;
        using value_type = Entry;
        using reference = Entry;
        using pointer = Arrow;

        ConstIterator() = default;
        Entry operator*() const { return {at_->first, at_->second.get()}; }
        Arrow operator->() const { return {**this}; }
        ConstIterator& operator++() {
            ++at_;
            return *this;
        }
        ConstIterator& operator--() {
            --at_;
            return *this;
        }
        ConstIterator operator++(int) { return ConstIterator(at_++); }
        ConstIterator operator--(int) { return ConstIterator(at_--); }
        bool operator==(const ConstIterator&) const = default;

      private:
        friend class RoundTable;
        explicit ConstIterator(Map::const_iterator at) : at_(at) {}
        Map::const_iterator at_;
    };
    using const_reverse_iterator = std::reverse_iterator<ConstIterator>;

    [[nodiscard]] ConstIterator begin() const { return ConstIterator(map_.begin()); }
    [[nodiscard]] ConstIterator end() const { return ConstIterator(map_.end()); }
    [[nodiscard]] const_reverse_iterator rbegin() const { return const_reverse_iterator(end()); }
    [[nodiscard]] const_reverse_iterator rend() const { return const_reverse_iterator(begin()); }
    [[nodiscard]] ConstIterator find(Round round) const { return ConstIterator(map_.find(round)); }
    // The first one that is not before `round`.
    [[nodiscard]] ConstIterator lower_bound(Round round) const {
        return ConstIterator(map_.lower_bound(round));
    }
    [[nodiscard]] bool contains(Round round) const { return map_.contains(round); }
    [[nodiscard]] std::size_t size() const { return map_.size(); }
    [[nodiscard]] bool empty() const { return map_.empty(); }
    // It must be there.
    [[nodiscard]] const RoundRecord& at(Round round) const {
        const auto found = map_.find(round);
        COVENANT_ASSERT(found != map_.end(), "the round has a record");
        return found->second.get();
    }

    // For editing; made empty when it is not there.
    RoundRecord& operator[](Round round) { return map_[round].edit(); }
    void erase_first() { map_.erase(map_.begin()); }

  private:
    Map map_;
};

}  // namespace covenant::protocol
