// A chat broker with a fault: it acknowledges a message before the log has stored it.

#include "chat_service.hpp"

#include <switchboard/rooms/sqlite_store.hpp>
#include <switchboard/server/server.hpp>

namespace switchboard {
namespace {

class hasty_log final : public rooms::log {
public:
  hasty_log(std::string room, std::shared_ptr<rooms::log> real)
      : room_(std::move(room)), real_(std::move(real)), last_(real_->extent().last) {}

  void append(std::vector<rooms::record> records,
              std::function<void(std::vector<rooms::append_result>)> done) override {
    std::vector<rooms::append_result> results;
    for (const auto& each : records) {
      rooms::append_result result{{}, ++last_, false, rooms::durability::fsynced, {}};
      result.bytes = chat::entry_encoder()(room_, result.sequence, each.body);
      results.push_back(std::move(result));
    }
    done(std::move(results));
    for (auto& each : records) each.dedupe_key.clear();
    real_->append(std::move(records), [](const auto&) {});
  }
  void read(rooms::page_request wanted, std::function<void(rooms::log_page)> done) override {
    real_->read(std::move(wanted), std::move(done));
  }
  rooms::log_extent extent() const override { return real_->extent(); }
  void watch(rooms::growth_callback) override {}

private:
  const std::string room_;
  const std::shared_ptr<rooms::log> real_;
  std::uint64_t last_;
};

class hasty_store final : public rooms::log_store {
public:
  explicit hasty_store(std::shared_ptr<rooms::log_store> real) : real_(std::move(real)) {}

  std::shared_ptr<rooms::log> open(const std::string& room) override {
    auto& made = logs_[room];
    if (!made) made = std::make_shared<hasty_log>(room, real_->open(room));
    return made;
  }
  void close(const std::string& room) override {
    logs_.erase(room);
    real_->close(room);
  }
  std::shared_ptr<rooms::log> find(const std::string& room) const override {
    return real_->find(room) ? const_cast<hasty_store*>(this)->open(room) : nullptr;
  }
  std::vector<std::string> rooms(const std::string& after, std::size_t limit) const override {
    return real_->rooms(after, limit);
  }
  std::size_t size() const override { return real_->size(); }

private:
  const std::shared_ptr<rooms::log_store> real_;
  std::map<std::string, std::shared_ptr<rooms::log>> logs_;  // the chat service's actor alone asks
};

}  // namespace
}  // namespace switchboard

int main(int argc, char** argv) {
  using namespace switchboard;
  server hasty{"hasty-broker", "Acknowledges before it commits.", "127.0.0.1:0"};
  std::string directory;
  hasty.command_line().add_text("--data", directory, "directory where rooms are kept");
  hasty.add([&]() -> rpc::result<rpc::service_definition> {
    auto store = rooms::sqlite_store::open(chat::entry_encoder(), {.directory = directory});
    if (!store) return store.status();
    return chat::definition(std::make_shared<hasty_store>(std::move(*store)));
  });
  return hasty.run(argc, argv);
}
