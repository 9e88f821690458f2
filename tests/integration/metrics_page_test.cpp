// framework/docs/metrics.md lists what a server registers, no more and no less.

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <chat_service.hpp>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <switchboard/rooms/sqlite_store.hpp>
#include <switchboard/testkit/live_server.hpp>

namespace switchboard {
namespace {

using row = std::vector<std::string>;

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(' ');
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(' ') - first + 1);
}

/// The rows of the page's table below the heading of that name, without its head.
std::vector<row> table(const std::string& heading) {
  std::ifstream page(METRICS_PAGE);
  EXPECT_TRUE(page) << METRICS_PAGE;
  std::vector<row> rows;
  bool inside = false;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("## ")) inside = line == "## " + heading;
    if (!inside || !line.starts_with("|")) continue;
    auto& cells = rows.emplace_back();
    for (std::size_t at = 1, end = 0; (end = line.find('|', at)) != std::string::npos; at = end + 1)
      cells.push_back(trimmed(line.substr(at, end - at)));
  }
  if (rows.size() > 2) rows.erase(rows.begin(), rows.begin() + 2);
  return rows;
}

std::string in_code(const std::string& text) {
  return "`" + text + "`";
}

row row_of(const metrics::family_reading& family) {
  std::string labels;
  for (const auto& each : family.labels) labels += (labels.empty() ? "" : ", ") + in_code(each);
  std::string type{metrics::to_string(family.kind)};
  if (!family.buckets.empty()) type += " (" + in_code(family.buckets) + ")";
  const std::map<metrics::unit, std::string> units{
      {metrics::unit::none, ""}, {metrics::unit::seconds, "seconds"}, {metrics::unit::bytes, "bytes"}};
  return {in_code(family.name), type, labels, units.at(family.unit), family.help};
}

/// A broker with everything that counts: rooms on disk, a service, a connection.
class MetricsPage : public testing::Test {
protected:
  MetricsPage() {
    auto name = (std::filesystem::temp_directory_path() / "switchboard-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
    server_.emplace();
    rooms::sqlite_options options;
    options.directory = directory_ / "data";
    options.figures = server_->metrics();
    auto store = rooms::sqlite_store::open(chat::entry_encoder(), options);
    EXPECT_TRUE(store) << store.status().message;
    server_->add(chat::definition(std::move(*store), {}, server_->metrics()));
    server_->endpoint();
    auto client = server_->connect();
    chat::v1::ListRoomsReply rooms;
    EXPECT_TRUE(client
                    .call("switchboard.chat.v1.Chat/ListRooms", chat::v1::ListRoomsRequest{}, rooms,
                          client::within(std::chrono::seconds{10}))
                    .ok());
    figures = server_->figures();
  }
  ~MetricsPage() override {
    server_.reset();
    std::filesystem::remove_all(directory_);
  }

  metrics::snapshot figures;
  std::optional<testkit::live_server> server_;

private:
  std::filesystem::path directory_;
};

TEST_F(MetricsPage, ListsEachFigureThatAServerRegistersAsItIs) {
  std::vector<row> registered;
  for (const auto& each : figures.families) registered.push_back(row_of(each));
  EXPECT_EQ(table("Figures"), registered);
}

TEST_F(MetricsPage, ListsEachLimitThatAServerMonitors) {
  std::vector<std::string> listed, monitored;
  for (const auto& each : table("Limits")) listed.push_back(each.at(0));
  for (const auto& each : figures.find("switchboard_limit_hits_total")->series)
    monitored.push_back(in_code(each.labels.at(0)));
  EXPECT_EQ(listed, monitored);
}

TEST_F(MetricsPage, ShowsHowFiguresAreRead) {
  auto& server = *server_;
  const auto now = server.metrics()->read();
  const auto open = now.value("switchboard_connections");
  const auto broken = now.value("switchboard_connections_closed_total", {"reset"});
  const auto& turns = *now.find("switchboard_pump_turn_packets", {});
  const auto turns_of_one_packet_at_most = turns.buckets.front();
  EXPECT_GE(open, 0);
  EXPECT_EQ(broken, 0);
  EXPECT_LE(turns_of_one_packet_at_most, static_cast<std::uint64_t>(turns.value));
}

TEST_F(MetricsPage, NamesEachLabelAndEachCloseReason) {
  std::map<std::string, std::string> explained;
  for (const auto& each : table("Labels")) explained[each.at(0)] = each.at(1);
  std::set<std::string> used;
  for (const auto& family : figures.families)
    for (const auto& label : family.labels) used.insert(in_code(label));
  std::set<std::string> listed;
  for (const auto& [label, values] : explained) listed.insert(label);
  EXPECT_EQ(listed, used);
  for (const auto& each : figures.find("switchboard_connections_closed_total")->series)
    EXPECT_NE(explained["`reason`"].find(in_code(each.labels.at(0))), std::string::npos) << each.labels.at(0);
}

}  // namespace
}  // namespace switchboard
