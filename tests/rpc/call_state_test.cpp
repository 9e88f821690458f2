#include <array>
#include <deque>
#include <random>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include <switchboard/rpc/call_state.hpp>

namespace switchboard::rpc {
namespace {

using enum call_state;
using enum call_effect;
using event = call_event;
using kind = method_kind;

constexpr std::array kinds{kind::unary, kind::server_streaming, kind::client_streaming, kind::bidirectional};
constexpr std::array states{
    idle, pending, pending_half_closed, call_state::open, half_closed_client, half_closed_server, held, closed};
constexpr std::array events{event::open,   event::accept,  event::requests_end, event::replies_end,
                            event::status, event::release, event::request,      event::reply};

const char* name(call_state of) {
  constexpr std::array names{
      "idle", "pending", "pending_half_closed", "open", "half_closed_client", "half_closed_server", "held", "closed"};
  return names.at(static_cast<std::size_t>(of));
}
const char* name(event of) {
  constexpr std::array names{"open", "accept", "requests_end", "replies_end", "status", "release", "request", "reply"};
  return names.at(static_cast<std::size_t>(of));
}

/// A call that has come to `wanted`, on the shortest way that leads there, with that much credit.
call_machine come_to(call_state wanted, kind of, std::uint32_t request_credit = 0, std::uint32_t reply_credit = 0) {
  call_machine call{of};
  call.grant_replies(reply_credit);
  const auto take = [&](std::initializer_list<event> way) {
    for (const auto each : way) {
      call.apply(each);
      call.grant_requests(request_credit - call.request_credit());
    }
  };
  const bool requests = streams_requests(of);
  if (wanted == pending || (wanted == pending_half_closed && !requests)) take({event::accept});
  if (wanted == pending_half_closed && requests) take({event::accept, event::requests_end});
  if (wanted == call_state::open || (wanted == half_closed_client && !requests)) take({event::open});
  if (wanted == half_closed_client && requests) take({event::open, event::requests_end});
  if (wanted == half_closed_server) take({event::open, event::replies_end});
  if (wanted == held) take({event::accept, event::status});
  if (wanted == closed) take({event::open, event::status});
  return call;
}

bool reachable(call_state which, kind of) {
  return streams_requests(of) || (which != pending && which != call_state::open && which != half_closed_server);
}

/// The expected table. An event that a state does not list is ignored there and leaves it as it is.
struct row {
  call_state from;
  event what;
  call_state next;
  call_effect effect;
};
constexpr std::array expected{
    row{idle, event::open, call_state::open, taken},
    row{idle, event::accept, pending, taken},
    row{idle, event::status, closed, ended},

    row{pending, event::request, pending, taken},
    row{pending, event::reply, pending, taken},
    row{pending, event::requests_end, pending_half_closed, taken},
    row{pending, event::replies_end, half_closed_server, taken},
    row{pending, event::status, held, ended},
    row{pending, event::release, call_state::open, taken},

    row{pending_half_closed, event::request, pending_half_closed, beyond_credit},
    row{pending_half_closed, event::reply, pending_half_closed, taken},
    row{pending_half_closed, event::replies_end, closed, ended},
    row{pending_half_closed, event::status, held, ended},
    row{pending_half_closed, event::release, half_closed_client, taken},

    row{call_state::open, event::request, call_state::open, taken},
    row{call_state::open, event::reply, call_state::open, taken},
    row{call_state::open, event::requests_end, half_closed_client, taken},
    row{call_state::open, event::replies_end, half_closed_server, taken},
    row{call_state::open, event::status, closed, ended},

    row{half_closed_client, event::request, half_closed_client, beyond_credit},
    row{half_closed_client, event::reply, half_closed_client, taken},
    row{half_closed_client, event::replies_end, closed, ended},
    row{half_closed_client, event::status, closed, ended},

    row{half_closed_server, event::request, half_closed_server, ignored},
    row{half_closed_server, event::reply, half_closed_server, beyond_credit},
    row{half_closed_server, event::requests_end, closed, ended},
    row{half_closed_server, event::status, closed, ended},

    row{held, event::release, closed, taken},
};

/// What the table says of a call of that kind: without a stream of requests it starts half closed.
row expectation(call_state from, event what, kind of) {
  row found{from, what, from, ignored};
  for (const auto& each : expected)
    if (each.from == from && each.what == what) found = each;
  if (from == idle && !streams_requests(of) && found.next == call_state::open) found.next = half_closed_client;
  if (from == idle && !streams_requests(of) && found.next == pending) found.next = pending_half_closed;
  return found;
}

TEST(CallState, FollowsItsTableInEveryStateOfEveryKind) {
  for (const auto of : kinds)
    for (const auto from : states)
      for (const auto what : events) {
        if (!reachable(from, of)) continue;
        SCOPED_TRACE(testing::Message() << "kind " << static_cast<int>(of) << ", " << name(from) << ", " << name(what));
        auto call = come_to(from, of, 5, 5);
        ASSERT_EQ(call.state(), from);
        const auto follows = expectation(from, what, of);
        EXPECT_EQ(call.apply(what), follows.effect);
        EXPECT_STREQ(name(call.state()), name(follows.next));
      }
}

TEST(CallState, ComesToNoOtherStateThanTheDrawnOnes) {
  for (const auto of : kinds) {
    std::set<call_state> seen{idle};
    std::deque<call_machine> next{call_machine{of}};
    for (; !next.empty(); next.pop_front())
      for (const auto what : events) {
        auto call = next.front();
        call.apply(what);
        if (seen.insert(call.state()).second) next.push_back(call);
      }
    for (const auto each : states) EXPECT_EQ(seen.count(each), reachable(each, of)) << name(each);
  }
}

TEST(CallState, MessageWithoutCreditIsBeyondItWhereverTheCallHasNotEnded) {
  for (const auto of : kinds)
    for (const auto from : states) {
      if (!reachable(from, of)) continue;
      SCOPED_TRACE(testing::Message() << "kind " << static_cast<int>(of) << ", " << name(from));
      auto call = come_to(from, of);
      const auto without_credit = from == idle || call.ended() ? ignored : beyond_credit;
      EXPECT_EQ(call.apply(event::request), without_credit);
      // A reply that is no stream needs no grant.
      if (!streams_replies(of)) call.apply(event::reply);
      EXPECT_EQ(call.apply(event::reply), without_credit);
      EXPECT_EQ(call.state(), from);
    }
}

TEST(CallState, CreditCountsWhereItsDirectionIsAnOpenStream) {
  for (const auto of : kinds)
    for (const auto at : states) {
      if (!reachable(at, of)) continue;
      SCOPED_TRACE(testing::Message() << "kind " << static_cast<int>(of) << ", " << name(at));
      auto call = come_to(at, of);
      const bool requests_count = streams_requests(of) && (at == pending || at == call_state::open);
      const bool replies_count = streams_replies(of) && (at == idle || at == pending || at == pending_half_closed ||
                                                         at == call_state::open || at == half_closed_client);
      EXPECT_EQ(call.grant_requests(3), requests_count ? 3U : 0U);
      EXPECT_EQ(call.grant_replies(4), replies_count ? 4U : 0U);
      EXPECT_EQ(call.request_credit(), requests_count ? 3U : 0U);
      EXPECT_EQ(call.state(), at);
    }
}

TEST(CallState, AnswersWhatMayStillCome) {
  using set = std::set<call_state>;
  const set requests_open{pending, call_state::open, half_closed_server};
  const set requests_read{pending, call_state::open};
  const set replies_open{pending, pending_half_closed, call_state::open, half_closed_client};
  const set in_service{pending, pending_half_closed, held};
  for (const auto at : states) {
    const auto call = come_to(at, kind::bidirectional);
    EXPECT_EQ(call.requests_open(), requests_open.contains(at)) << name(at);
    EXPECT_EQ(call.requests_read(), requests_read.contains(at)) << name(at);
    EXPECT_EQ(call.replies_open(), replies_open.contains(at)) << name(at);
    EXPECT_EQ(call.in_service(), in_service.contains(at)) << name(at);
    EXPECT_EQ(call.ended(), at == held || at == closed) << name(at);
    EXPECT_EQ(call.held(), at == held) << name(at);
    EXPECT_EQ(call.closed(), at == closed) << name(at);
  }
}

// -- credit ---------------------------------------------------------------------------------------------------------

TEST(CallCredit, AddsUpAndStopsAtItsCap) {
  auto call = come_to(call_state::open, kind::bidirectional, 0, 7);
  EXPECT_EQ(call.grant_replies(call_machine::credit_max), call_machine::credit_max - 7);
  EXPECT_EQ(call.reply_credit(), call_machine::credit_max);
  EXPECT_EQ(call.grant_replies(1), 0U);
  EXPECT_EQ(call.grant_requests(call_machine::credit_max - 1), call_machine::credit_max - 1);
  EXPECT_EQ(call.grant_requests(2), 1U);
}

TEST(CallCredit, OfTheOpeningFrameIsWhatWasGrantedBefore) {
  call_machine call{kind::server_streaming};
  call.grant_replies(3);
  call.grant_replies(4);
  EXPECT_EQ(call.reply_credit(), 7U);
  call.apply(event::open);
  EXPECT_EQ(call.reply_credit(), 7U);
}

TEST(CallCredit, AMessageTakesOne) {
  auto call = come_to(call_state::open, kind::bidirectional, 1, 2);
  EXPECT_EQ(call.apply(event::request), taken);
  EXPECT_EQ(call.apply(event::request), beyond_credit);
  EXPECT_EQ(call.apply(event::reply), taken);
  EXPECT_EQ(call.apply(event::reply), taken);
  EXPECT_EQ(call.apply(event::reply), beyond_credit);
}

TEST(CallCredit, EndsWithItsDirection) {
  auto call = come_to(call_state::open, kind::bidirectional, 5, 5);
  call.apply(event::requests_end);
  EXPECT_EQ(call.request_credit(), 0U);
  EXPECT_EQ(call.reply_credit(), 5U);
  EXPECT_EQ(call.apply(event::request), beyond_credit);
  call.apply(event::replies_end);
  EXPECT_EQ(call.reply_credit(), 0U);
}

TEST(CallCredit, OfRequestsThatAreNotReadIsStillUsedUp) {
  auto call = come_to(half_closed_server, kind::client_streaming, 2);
  EXPECT_EQ(call.apply(event::request), ignored);
  EXPECT_EQ(call.apply(event::request), ignored);
  EXPECT_EQ(call.apply(event::request), beyond_credit);
}

TEST(CallCredit, AllowsOneReplyWhereRepliesAreNoStream) {
  for (const auto of : {kind::unary, kind::client_streaming}) {
    auto call = come_to(half_closed_client, of);
    EXPECT_EQ(call.apply(event::reply), taken);
    EXPECT_EQ(call.apply(event::reply), beyond_credit);
  }
}

// -- a call that its service has ------------------------------------------------------------------------------------

TEST(ServedCall, CountsAfterItsEndUntilTheServiceLetsGo) {
  for (const auto of : kinds) {
    call_machine call{of};
    call.apply(event::accept);
    EXPECT_EQ(call.apply(event::status), ended);
    EXPECT_TRUE(call.held());
    EXPECT_EQ(call.apply(event::release), taken);
    EXPECT_TRUE(call.closed());
  }
}

TEST(ServedCall, IsLetGoOfOnce) {
  auto call = come_to(pending, kind::bidirectional);
  EXPECT_EQ(call.apply(event::release), taken);
  EXPECT_EQ(call.apply(event::release), ignored);
  EXPECT_EQ(call.apply(event::status), ended);
  EXPECT_TRUE(call.closed());
}

TEST(ServedCall, AnsweredTwiceKeepsTheFirstAnswer) {
  auto call = come_to(pending, kind::client_streaming);
  ASSERT_TRUE(call.replies_open());
  EXPECT_EQ(call.apply(event::replies_end), taken);
  EXPECT_FALSE(call.replies_open());
  EXPECT_EQ(call.apply(event::replies_end), ignored);
  EXPECT_EQ(call.apply(event::release), ignored);
}

TEST(ServedCall, MayFailBehindItsStreamOfReplies) {
  auto call = come_to(pending, kind::bidirectional);
  call.apply(event::release);
  EXPECT_TRUE(call.replies_open());
  EXPECT_EQ(call.apply(event::status), ended);
}

// -- sequences ------------------------------------------------------------------------------------------------------

/// The rules of the protocol, written down a second time: who has ended, who has the call, what was granted and sent.
struct model {
  explicit model(kind kind_of) : of(kind_of), replies_granted(streams_replies(kind_of) ? 0 : 1) {}

  bool over() const { return aborted || (client_ended && server_ended); }
  bool may_grant_requests() const { return begun && streams_requests(of) && !over() && !client_ended && !server_ended; }
  bool may_grant_replies() const { return streams_replies(of) && !over() && !server_ended; }

  call_effect message(bool ended, std::uint64_t granted, std::uint64_t& sent) const {
    if (!begun || over()) return ignored;
    if (ended || sent == granted) return beyond_credit;
    ++sent;
    return taken;
  }
  call_effect apply(event what) {
    const bool was_over = over();
    const auto counts = [&](bool change) { return !change ? ignored : over() && !was_over ? ended : taken; };
    switch (what) {
      case event::open:
      case event::accept:
        if (begun || over()) return ignored;
        begun = true;
        client_ended = !streams_requests(of);
        in_service = what == event::accept;
        return taken;
      case event::request: {
        const auto effect = message(client_ended, requests_granted, requests);
        return effect == taken && server_ended ? ignored : effect;
      }
      case event::reply:
        return message(server_ended, replies_granted, replies);
      case event::requests_end:
        return counts(begun && !was_over && !std::exchange(client_ended, true));
      case event::replies_end:
        if (!begun || was_over || server_ended) return ignored;
        server_ended = true;
        in_service = false;
        return counts(true);
      case event::status:
        aborted = true;
        return counts(!was_over);
      case event::release:
        return counts(std::exchange(in_service, false));
    }
    return ignored;
  }

  kind of;
  bool begun = false;
  bool client_ended = false;
  bool server_ended = false;
  bool aborted = false;
  bool in_service = false;
  std::uint64_t requests_granted = 0, requests = 0;
  std::uint64_t replies_granted = 0, replies = 0;
};

/// Printed with what fails, so that it can be repeated.
constexpr std::uint64_t sequences = 20'000;

TEST(CallSequence, AgreesWithTheModel) {
  const auto first_seed = std::random_device{}();
  for (std::uint64_t seed = first_seed; seed < first_seed + sequences; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 chance{seed};
    const auto of = kinds.at(chance() % kinds.size());
    call_machine call{of};
    model rules{of};
    for (int step = 0; step < 40; ++step) {
      const auto choice = chance() % 16;
      const auto amount = static_cast<std::uint32_t>(chance() % 3);
      if (choice < 2) {
        ASSERT_EQ(call.grant_requests(amount), rules.may_grant_requests() ? amount : 0) << "step " << step;
        rules.requests_granted += rules.may_grant_requests() ? amount : 0;
      } else if (choice < 4) {
        ASSERT_EQ(call.grant_replies(amount), rules.may_grant_replies() ? amount : 0) << "step " << step;
        rules.replies_granted += rules.may_grant_replies() ? amount : 0;
      } else {
        // Statuses are rare, so that calls live for a while.
        auto what = events.at(chance() % events.size());
        if (what == event::status && chance() % 4 != 0) what = event::request;
        ASSERT_EQ(call.apply(what), rules.apply(what)) << "step " << step << ", " << name(what);
      }
      ASSERT_EQ(call.ended(), rules.over());
      ASSERT_EQ(call.in_service(), rules.in_service);
    }
  }
}

/// A frame on its way, as an event or as credit.
struct in_flight {
  event what;
  std::uint32_t credit = 0;
};
using way = std::deque<in_flight>;

/// A client and a server that keep to the protocol, with frames in flight between them.
struct two_sides {
  explicit two_sides(kind of) : client(of), server(of) {}

  void send(call_machine& from, way& to, event what) {
    const auto effect = from.apply(what);
    if (effect == taken || effect == ended) to.push_back({what});
  }
  /// False where a frame is beyond the credit.
  static bool arrive(call_machine& at, way& from, bool from_client) {
    if (from.empty()) return true;
    const auto frame = from.front();
    from.pop_front();
    if (frame.credit == 0) return at.apply(frame.what) != beyond_credit;
    (void)(from_client ? at.grant_replies(frame.credit) : at.grant_requests(frame.credit));
    return true;
  }
  void step(std::uint64_t choice) {
    switch (choice) {
      case 0:
        return send(client, to_server, event::request);
      case 1:
        return send(client, to_server, event::requests_end);
      case 2:
        if (const auto more = client.grant_replies(2); more > 0) to_server.push_back({event::open, more});
        return;
      case 3:
        return send(server, to_client, event::reply);
      case 4:
        return send(server, to_client, event::replies_end);
      case 5:
        if (const auto more = server.grant_requests(2); more > 0) to_client.push_back({event::open, more});
        return;
      case 6:
        server.apply(event::release);
        return;
      case 7:
        return send(client, to_server, event::status);
      default:
        return send(server, to_client, event::status);
    }
  }

  call_machine client;
  call_machine server;
  way to_server;
  way to_client;
};

TEST(CallSequence, SidesThatKeepToItNeverRefuseEachOther) {
  const auto first_seed = std::random_device{}();
  for (std::uint64_t seed = first_seed; seed < first_seed + sequences; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 chance{seed};
    two_sides call{kinds.at(chance() % kinds.size())};
    call.client.apply(event::open);
    call.server.apply(event::accept);
    for (int step = 0; step < 60; ++step) {
      ASSERT_TRUE(chance() % 2 == 0 || two_sides::arrive(call.server, call.to_server, true));
      ASSERT_TRUE(chance() % 2 == 0 || two_sides::arrive(call.client, call.to_client, false));
      // An end by status is as likely as any other step, but for the first half.
      call.step(chance() % (step < 30 ? 7 : 9));
    }
    call.step(7);
    while (!call.to_server.empty()) ASSERT_TRUE(two_sides::arrive(call.server, call.to_server, true));
    while (!call.to_client.empty()) ASSERT_TRUE(two_sides::arrive(call.client, call.to_client, false));
    call.server.apply(event::release);
    ASSERT_TRUE(call.client.closed());
    ASSERT_TRUE(call.server.closed()) << name(call.server.state());
  }
}

}  // namespace
}  // namespace switchboard::rpc
