#include "chain/abi/revert.hpp"
#include "chain/tx/outbox_row.hpp"
#include "common/base/hex.hpp"
#include "common/base/log.hpp"

#include <algorithm>
#include <set>

namespace covenant::chain {
using codec::Json;
using sqlite::Statement;

namespace {

constexpr unsigned kMaxRaises = 12;  // in one send: (9/8)^12 = 4.1 times the fee
constexpr std::uint64_t kMissesBeforeNewNonce = 2;
constexpr std::uint64_t kDoubtsBeforeRefusal = 5;
constexpr std::uint64_t kPlainTransferGas = 21'000;

}  // namespace

Result<std::uint64_t> Outbox::transaction_count(std::string_view tag) {
    Json params = Json::array();
    params.push(to_0x(key_->address())).push(tag);
    COVENANT_TRY(const Json value, rpc_->call("eth_getTransactionCount", params));
    return from_node(parse_quantity(value), "eth_getTransactionCount");
}

Status Outbox::advance(protocol::BlockNumber head) {
    COVENANT_TRY(std::vector<Row> open, rows("state < 3"));
    if (open.empty()) return {};
    COVENANT_TRY(const std::uint64_t latest_count, transaction_count("latest"));
    for (Row& row : open) {
        if (row.state == OutboxState::kQueued) continue;
        COVENANT_CHECK(track(row, latest_count, head.value));
    }
    COVENANT_CHECK(fill_gaps(latest_count, head.value));
    for (Row& row : open) {
        if (row.state != OutboxState::kQueued) continue;
        COVENANT_CHECK(launch(row, head.value));
    }
    return {};
}

// ---- rows that were sent

// The receipt of any form that left; `in_pool` tells whether the node knows the newest one.
Result<std::optional<Receipt>> Outbox::find_receipt(Row& row, const std::vector<Form>& signed_forms,
                                                    bool& in_pool) {
    std::vector<RpcCall> calls;
    for (const Form& form : signed_forms) {
        Json params = Json::array();
        params.push(to_0x(form.transaction.hash));
        calls.push_back({"eth_getTransactionReceipt", params});
    }
    Json params = Json::array();
    params.push(to_0x(signed_forms.front().transaction.hash));
    calls.push_back({"eth_getTransactionByHash", params});
    COVENANT_TRY(const std::vector<RpcReply> replies, rpc_->batch(calls));
    in_pool = !replies.back().error && !replies.back().result.is_null();
    for (std::size_t i = 0; i < signed_forms.size(); ++i) {
        if (replies[i].error) return fail(rpc_failure(calls[i].method, *replies[i].error));
        COVENANT_TRY(std::optional<Receipt> receipt,
                     from_node(parse_receipt(replies[i].result), calls[i].method));
        if (!receipt) continue;
        row.hash = signed_forms[i].transaction.hash;
        return receipt;
    }
    return std::nullopt;
}

Status Outbox::track(Row& row, std::uint64_t latest_count, std::uint64_t head) {
    COVENANT_TRY(const std::vector<Form> signed_forms, forms(row));
    if (signed_forms.empty()) {  // a row from before its first signature
        row.state = OutboxState::kQueued;
        return save(row);
    }
    bool in_pool = false;
    COVENANT_TRY(const std::optional<Receipt> receipt, find_receipt(row, signed_forms, in_pool));
    if (receipt) return settle(row, *receipt, head);
    const bool was_included = row.state == OutboxState::kIncluded;
    row.state = OutboxState::kSent;
    row.included_block = 0;
    if (row.nonce && *row.nonce < latest_count) {
        // Someone else's transaction took the nonce, or the receipt is late: look twice before a
        // new nonce.
        if (++row.misses >= kMissesBeforeNewNonce) {
            log::warn("chain.outbox", "nonce was used by another sender; signing anew",
                      {{"key", row.key}, {"nonce", *row.nonce}});
            if (row.key.starts_with(kGapPrefix)) return refuse(row, "the gap was filled otherwise");
            row.state = OutboxState::kQueued;
            row.nonce.reset();
            row.misses = 0;
        }
        return save(row);
    }
    row.misses = 0;
    COVENANT_CHECK(save(row));
    if (was_included || !in_pool) return send(row, head);
    if (row.nonce && *row.nonce == latest_count &&
        head >= row.sent_block + options_.bump_after_blocks) {
        COVENANT_CHECK(raise(row, head));
        return send(row, head);
    }
    return {};
}

Status Outbox::settle(Row& row, const Receipt& receipt, std::uint64_t head) {
    if (row.included_block != receipt.block.value && receipt.success) {
        log::info(
            "chain.outbox", "mined in block " + std::to_string(receipt.block.value),
            {{"intent", row.key}, {"transaction", to_0x(row.hash)}, {"gas", receipt.gas_used}});
    }
    row.state = OutboxState::kIncluded;
    row.included_block = receipt.block.value;
    row.misses = 0;
    if (receipt.block.value + options_.confirmations <= head + 1) {
        if (receipt.success) {
            row.state = OutboxState::kConfirmed;
            said_.erase(row.key);
        } else {
            COVENANT_TRY(std::string reason, replay_reason(row, receipt));
            return refuse(row, std::move(reason));
        }
    }
    return save(row);
}

Result<std::string> Outbox::replay_reason(const Row& row, const Receipt& receipt) {
    Json params = Json::array();
    params.push(to_json(CallRequest{key_->address(), row.target, 0, row.data}))
        .push(to_quantity(receipt.block.value));
    COVENANT_TRY(const RpcReply reply, rpc_->ask("eth_call", params, OnTransient::kReturn));
    if (reply.error && reply.error->failure == RpcFailure::kReverted) {
        return describe_revert(reply.error->data);
    }
    return "failed in block " + std::to_string(receipt.block.value) + " after " +
           std::to_string(receipt.gas_used) + " of " + std::to_string(row.gas_limit) + " gas";
}

Status Outbox::refuse(Row& row, std::string reason) {
    row.state = OutboxState::kRefused;
    row.reason = std::move(reason);
    said_.erase(row.key);
    // Whoever submitted it says so, in the words of what it was.
    log::debug("chain.outbox", "refused: " + row.reason, {{"intent", row.key}});
    return save(row);
}

Status Outbox::fill_gaps(std::uint64_t latest_count, std::uint64_t head) {
    // A mined row's nonce is used, though a node that is behind may not know it yet.
    COVENANT_TRY(const std::vector<Row> sent,
                 rows("nonce >= " + std::to_string(latest_count) +
                      " AND (state IN (1, 2, 3) OR included_block > 0)"));
    std::set<std::uint64_t> used;
    for (const Row& row : sent) {
        used.insert(*row.nonce);
    }
    if (used.empty()) return {};
    bool gap = false;
    for (std::uint64_t nonce = latest_count; nonce < *used.rbegin() && !gap; ++nonce) {
        gap = !used.contains(nonce);
    }
    if (!gap) return {};
    COVENANT_TRY(const std::uint64_t pending_count, transaction_count("pending"));
    for (std::uint64_t nonce = std::max(latest_count, pending_count); nonce < *used.rbegin();
         ++nonce) {
        if (used.contains(nonce)) continue;
        log::warn("chain.outbox", "filling a nonce gap with an empty transfer", {{"nonce", nonce}});
        COVENANT_TRY(
            Statement insert,
            database_->prepare("INSERT INTO outbox(key, fingerprint, target, data, after, state, "
                               "reason, nonce, gas_limit, sent_block, included_block, misses, "
                               "hash) VALUES('gap/' || (SELECT COUNT(*) FROM outbox) || '/' || ?1, "
                               "?2, ?3, x'', '', 0, '', ?1, ?4, 0, 0, 0, ?2)"));
        COVENANT_CHECK(
            insert.bind(nonce).bind(Hash256{}).bind(key_->address()).bind(kPlainTransferGas).run());
        COVENANT_TRY(std::vector<Row> filler, rows("seq = last_insert_rowid()"));
        COVENANT_TRY(const Fees fees, suggest_fees(*rpc_, options_.fees));
        COVENANT_CHECK(sign(filler.at(0), fees, head));
        COVENANT_CHECK(send(filler.at(0), head));
    }
    return {};
}

// ---- rows that wait

Result<std::uint64_t> Outbox::next_nonce() {
    COVENANT_TRY(const std::uint64_t pending, transaction_count("pending"));
    COVENANT_TRY(Statement select,
                 database_->prepare("SELECT COALESCE(MAX(nonce) + 1, 0) FROM outbox"));
    COVENANT_TRY(const bool row, select.step());
    return std::max(pending, row ? select.integer(0) : 0);
}

Status Outbox::launch(Row& row, std::uint64_t head) {
    if (!row.after.empty()) {
        COVENANT_TRY(const std::optional<OutboxEntry> before, find(row.after));
        if (before && before->state == OutboxState::kRefused) {
            return refuse(row, "the step before it was refused: " + before->reason);
        }
        if (!before || before->state < OutboxState::kIncluded) return {};
    }
    // A row that goes out for the second time may have been mined the first time after all.
    COVENANT_TRY(const std::vector<Form> earlier, forms(row));
    if (!earlier.empty()) {
        bool in_pool = false;
        COVENANT_TRY(const std::optional<Receipt> receipt, find_receipt(row, earlier, in_pool));
        if (receipt) return settle(row, *receipt, head);
    }
    const CallRequest request{key_->address(), row.target, 0, row.data};
    COVENANT_TRY(const GasEstimate estimate, estimate_gas(*rpc_, request));
    if (estimate.error) return refuse_estimate(row, *estimate.error, head);
    row.misses = 0;
    row.gas_limit = std::max(gas_limit_for(estimate.gas), row.gas_limit);
    COVENANT_TRY(const Fees fees, suggest_fees(*rpc_, options_.fees));
    COVENANT_TRY(const std::uint64_t nonce, next_nonce());
    row.nonce = nonce;
    COVENANT_CHECK(sign(row, fees, head));
    return send(row, head);
}

// Refuses, or fails with why the row has to wait.
Status Outbox::refuse_estimate(Row& row, const RpcError& error, std::uint64_t head) {
    if (error.failure == RpcFailure::kGasLimitTooHigh || error.failure == RpcFailure::kInvalid) {
        return refuse(row, error.message);
    }
    if (error.failure == RpcFailure::kInsufficientFunds) {
        return fail(Errc::kPrecondition, "account " + to_0x(key_->address()) +
                                             " has too little ether for '" + row.key +
                                             "': send it some");
    }
    if (error.failure != RpcFailure::kReverted) return fail(rpc_failure("eth_estimateGas", error));
    std::string reason = error.data.empty() ? error.message : describe_revert(error.data);
    Json params = Json::array();
    params.push(to_json(CallRequest{key_->address(), row.target, 0, row.data}))
        .push(to_quantity(head));
    COVENANT_TRY(const RpcReply at_head, rpc_->ask("eth_call", params, OnTransient::kReturn));
    const bool reverts = at_head.error && at_head.error->failure == RpcFailure::kReverted;
    if (reverts || ++row.misses >= kDoubtsBeforeRefusal) return refuse(row, std::move(reason));
    COVENANT_CHECK(save(row));
    return fail(Errc::kUnavailable, "'" + row.key + "': the node's estimate refuses (" + reason +
                                        "), block " + std::to_string(head) +
                                        " does not: looking again");
}

Status Outbox::sign(Row& row, const Fees& fees, std::uint64_t head) {
    Transaction transaction;
    transaction.chain_id = options_.chain_id;
    transaction.nonce = row.nonce.value_or(0);
    transaction.max_priority_fee = fees.max_priority_fee;
    transaction.max_fee = fees.max_fee;
    transaction.gas_limit = row.gas_limit;
    transaction.to = row.target;
    transaction.data = row.data;
    const SignedTransaction form = sign_transaction(transaction, *key_);
    row.hash = form.hash;
    row.state = OutboxState::kSent;
    row.sent_block = head;
    // On disk before a byte leaves: a crash from here on repeats exactly this transaction.
    return database_->transaction([&]() -> Status {
        COVENANT_TRY(Statement insert,
                     database_->prepare("INSERT OR IGNORE INTO outbox_signed(seq, hash, tip, fee, "
                                        "raw) VALUES(?, ?, ?, ?, ?)"));
        COVENANT_CHECK(insert.bind(row.seq)
                           .bind(form.hash)
                           .bind(std::string_view(to_decimal(fees.max_priority_fee)))
                           .bind(std::string_view(to_decimal(fees.max_fee)))
                           .bind(ByteView(form.raw))
                           .run());
        return save(row);
    });
}

Status Outbox::raise(Row& row, std::uint64_t head) {
    COVENANT_TRY(const std::vector<Form> signed_forms, forms(row));
    COVENANT_TRY(const Fees suggested, suggest_fees(*rpc_, options_.fees));
    const Fees paid = signed_forms.empty() ? Fees{} : signed_forms.front().fees;
    const Fees raised = bump_fees(paid, suggested, options_.fees);
    if (raised.max_fee <= paid.max_fee) {
        return fail(Errc::kPrecondition,
                    "'" + row.key + "' already offers the highest fee allowed, " +
                        to_decimal(paid.max_fee) + " wei per gas: wait, or raise the fee limit");
    }
    return sign(row, raised, head);
}

Status Outbox::send(Row& row, std::uint64_t head) {
    for (unsigned attempt = 0;; ++attempt) {
        COVENANT_TRY(const std::vector<Form> signed_forms, forms(row));
        if (signed_forms.empty()) return {};
        Json params = Json::array();
        params.push(to_0x(signed_forms.front().transaction.raw));
        COVENANT_TRY(const RpcReply reply, rpc_->ask("eth_sendRawTransaction", params));
        if (!reply.error) {
            say_sent(row);
            return {};
        }
        switch (reply.error->failure) {
            case RpcFailure::kAlreadyKnown:
            case RpcFailure::kNonceTooLow:  // track() finds the receipt or a new nonce
                say_sent(row);
                return {};
            case RpcFailure::kUnderpriced:
            case RpcFailure::kFeeBelowBase:
                if (attempt + 1 >= kMaxRaises) return fail(rpc_failure("send", *reply.error));
                COVENANT_CHECK(raise(row, head));
                break;
            case RpcFailure::kInsufficientFunds:
                return fail(Errc::kPrecondition, "account " + to_0x(key_->address()) +
                                                     " has too little ether for '" + row.key +
                                                     "': send it some");
            case RpcFailure::kGasLimitTooHigh:
            case RpcFailure::kInvalid:
            case RpcFailure::kReverted:
                row.nonce.reset();  // free again: fill_gaps closes the hole if later ones were sent
                return refuse(row, reply.error->data.empty() ? reply.error->message
                                                             : describe_revert(reply.error->data));
            default:
                return fail(rpc_failure("eth_sendRawTransaction", *reply.error));
        }
    }
}

// Once until the row is decided: what goes out again is no news.
void Outbox::say_sent(const Row& row) {
    if (!said_.insert(row.key).second) return;
    log::info("chain.outbox", "sent",
              {{"intent", row.key},
               {"transaction", to_0x(row.hash)},
               {"nonce", row.nonce.value_or(0)},
               {"gas_limit", row.gas_limit}});
}

Status Outbox::rewind(protocol::BlockNumber fork) {
    // A refusal read from a receipt is undone too: on the new branch the same bytes may pass.
    COVENANT_TRY(Statement update,
                 database_->prepare("UPDATE outbox SET state = 1, reason = '', included_block = 0, "
                                    "misses = 0 WHERE included_block > ? AND state >= 2"));
    return update.bind(fork.value).run();
}

}  // namespace covenant::chain
