// An outbox over a file and a node that can be told to misbehave.
#pragma once

#include "chain/tx/outbox.hpp"
#include "tests/support/fake_node.hpp"
#include "tests/support/temp_folder.hpp"

#include <optional>
#include <string>

#include <gtest/gtest.h>

namespace covenant::chain {

class OutboxTest : public ::testing::Test {
  protected:
    OutboxTest() { reopen(); }

    // What a crash leaves: the file and the node, nothing in memory.
    void reopen() {
        outbox.reset();
        database.reset();
        auto opened = sqlite::Database::open((folder / "outbox.db").string(), kOutboxFile);
        ASSERT_TRUE(opened) << opened.error().context;
        database.emplace(std::move(*opened));
        OutboxOptions options;
        options.chain_id = 31337;
        options.confirmations = 2;
        options.bump_after_blocks = 3;
        auto box = Outbox::open(*database, rpc, key, options);
        ASSERT_TRUE(box) << box.error().context;
        outbox.emplace(std::move(*box));
    }

    Status enqueue(const std::string& name, std::uint8_t content = 1,
                   const std::string& after = "") {
        return outbox->enqueue({name, hash_of(content), Address{{9}}, {content, 2, 3}, after});
    }
    Status enqueue_vote(std::uint64_t least_gas) {
        return outbox->enqueue({"vote", hash_of(3), Address{{9}}, {1, 2, 3}, "", least_gas});
    }
    Status advance() { return outbox->advance(protocol::BlockNumber(node.blocks.size() - 1)); }
    OutboxEntry entry(const std::string& name) {
        auto found = outbox->find(name);
        return found && *found ? **found : OutboxEntry{};
    }

    static RpcOptions quick() {
        RpcOptions out;
        out.retry.attempts = 1;
        return out;
    }

    testing::TempFolder folder;
    VirtualClock clock{1'000'000};
    FakeNode node;
    RpcClient rpc{std::make_unique<FakeTransport>(node), clock, quick()};
    crypto::SecretKey key = crypto::SecretKey::from_seed(hash_of(7));
    std::optional<sqlite::Database> database;
    std::optional<Outbox> outbox;
};

}  // namespace covenant::chain
