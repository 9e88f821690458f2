#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/exit_reason.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/send.hpp>
#include <gtest/gtest.h>

#include <switchboard/pump/direct_actor.hpp>

namespace switchboard {

/// A message that the actor of these tests delivers itself.
struct note {
  std::string text;
};

}  // namespace switchboard

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::note)

namespace switchboard {
namespace {

using texts = std::vector<std::string>;

/// What an actor has seen; outlives it.
struct seen {
  texts directly;
  texts by_behavior;
  texts all;
  int ends = 0;
};

class recorder final : public direct_actor {
public:
  recorder(caf::actor_config& config, std::shared_ptr<seen> in, caf::actor asked)
      : direct_actor(config), seen_(std::move(in)), asked_(std::move(asked)) {
    set_default_handler(caf::skip);
    set_exception_handler([](std::exception_ptr&) -> caf::error { return caf::exit_reason::unhandled_exception; });
  }
  void on_exit() override { ++seen_->ends; }

protected:
  caf::behavior make_behavior() override {
    return {[this](const std::string& text) {
              put(text, seen_->by_behavior);
              if (text == "take numbers")
                become([this](int number) { put(std::to_string(number), seen_->by_behavior); });
            },
            [this](note& content) { put(content.text + " by case", seen_->by_behavior); }};
  }
  bool deliver(caf::mailbox_element& message) override {
    auto* const content = content_of<note>(message);
    if (!content) return false;
    put(content->text, seen_->directly);
    if (content->text == "quit") quit();
    if (content->text == "throw") throw std::runtime_error{"as told"};
    if (content->text == "ask")
      request(asked_, caf::infinite, 1).await([this](int) { put("answered", seen_->by_behavior); });
    return true;
  }

private:
  void put(const std::string& text, texts& among) {
    among.push_back(text);
    seen_->all.push_back(text);
  }

  const std::shared_ptr<seen> seen_;
  const caf::actor asked_;
};

/// Whom the actor asks. A class: CAF's actors from functions dereference a null pointer, which the library's assertions notice.
class answerer final : public caf::event_based_actor {
public:
  using caf::event_based_actor::event_based_actor;

protected:
  caf::behavior make_behavior() override {
    return {[](int number) { return number; }};
  }
};

class DirectActor : public testing::Test {
protected:
  DirectActor() {
    asked_ = system_.spawn<answerer>();
    actor_ = system_.spawn<recorder>(seen_, asked_);
    run();
  }
  ~DirectActor() override {
    for (const auto& each : {actor_, asked_}) caf::anon_send_exit(each, caf::exit_reason::kill);
    run();
  }

  void send(std::string text) {
    caf::actor_cast<caf::abstract_actor*>(actor_)->enqueue(make_message_element(note{std::move(text)}), nullptr);
  }
  template <class Message>
  void send_by_caf(Message message) {
    caf::anon_send(actor_, std::move(message));
  }
  void run() { dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler()).run(); }
  caf::resumable::resume_result resume(std::size_t messages_max) {
    return static_cast<recorder*>(caf::actor_cast<caf::abstract_actor*>(actor_))
        ->resume(system_.dummy_execution_unit(), messages_max);
  }
  const caf::actor& actor() const noexcept { return actor_; }

  const std::shared_ptr<seen> seen_ = std::make_shared<seen>();

private:
  static caf::actor_system_config& testing(caf::actor_system_config& config) {
    config.set("scheduler.policy", caf::atom("testing"));
    return config;
  }

  caf::actor_system_config config_;
  caf::actor_system system_{testing(config_)};
  caf::actor asked_;
  caf::actor actor_;
};

TEST_F(DirectActor, HandlesMessagesOfBothKindsInTheOrderInWhichTheyCame) {
  send("1");
  send_by_caf(std::string{"2"});
  send("3");
  send("4");
  send_by_caf(std::string{"5"});
  run();
  EXPECT_EQ(seen_->all, (texts{"1", "2", "3", "4", "5"}));
  EXPECT_EQ(seen_->directly, (texts{"1", "3", "4"}));
}

TEST_F(DirectActor, LeavesAMessageThatCafHasMadeToTheBehavior) {
  send_by_caf(note{"sent"});
  run();
  EXPECT_EQ(seen_->by_behavior, texts{"sent by case"});
}

TEST_F(DirectActor, GivesItsThreadBackAfterSoManyMessages) {
  for (const auto* each : {"1", "2", "3"}) send(each);
  EXPECT_EQ(resume(2), caf::resumable::resume_later);
  EXPECT_EQ(seen_->all, (texts{"1", "2"}));
  EXPECT_EQ(resume(2), caf::resumable::awaiting_message);
  EXPECT_EQ(seen_->all, (texts{"1", "2", "3"}));
}

TEST_F(DirectActor, HandlesAnUrgentMessageBeforeThoseThatWait) {
  send("1");
  caf::anon_send<caf::message_priority::high>(actor(), caf::exit_msg{{}, caf::exit_reason::user_shutdown});
  run();
  EXPECT_TRUE(seen_->all.empty());
  EXPECT_EQ(seen_->ends, 1);
}

TEST_F(DirectActor, DeliversWhatComesWithAnUrgentMessageThatDoesNotEndIt) {
  send("1");
  caf::anon_send<caf::message_priority::high>(actor(), std::string{"urgent"});
  send("2");
  EXPECT_EQ(resume(10), caf::resumable::awaiting_message);
  EXPECT_EQ(seen_->all, (texts{"urgent", "1", "2"}));
  EXPECT_EQ(seen_->directly, (texts{"1", "2"}));
}

TEST_F(DirectActor, EndsWithAHandlerThatQuits) {
  send("quit");
  send("late");
  run();
  EXPECT_EQ(seen_->all, texts{"quit"});
  EXPECT_EQ(seen_->ends, 1);
}

TEST_F(DirectActor, GivesWhatAHandlerThrowsToTheExceptionHandler) {
  send("throw");
  send("late");
  run();
  EXPECT_EQ(seen_->all, texts{"throw"});
  EXPECT_EQ(seen_->ends, 1);
}

TEST_F(DirectActor, HandlesNothingElseWhileItAwaitsAResponse) {
  send("ask");
  send("after it");
  run();
  EXPECT_EQ(seen_->all, (texts{"ask", "answered", "after it"}));
}

TEST_F(DirectActor, ComesBackToWhatItSkipped) {
  send_by_caf(7);
  send("before");
  run();
  EXPECT_EQ(seen_->all, texts{"before"});
  send_by_caf(std::string{"take numbers"});
  run();
  EXPECT_EQ(seen_->all, (texts{"before", "take numbers", "7"}));
}

}  // namespace
}  // namespace switchboard
