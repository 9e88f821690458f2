// switchboard-bench as its users run it, for a moment each: that every workload comes through with nothing wrong, and what it
// leaves.

#include "json_reader.hpp"
#include "scripted_server.hpp"
#include "shell.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <stdlib.h>

#include <switchboard/wire/frame_encoder.hpp>

namespace switchboard::bench {
namespace {

outcome run_bench(const std::string& arguments) {
  return run_shell(SWITCHBOARD_BENCH " " + arguments + " 2>&1");
}

/// The servers of the only experiment of a run.
std::vector<google::protobuf::Value> servers_of(const std::string& json) {
  const auto report = read_json(json);
  const auto& experiments = member(report, "experiments").list_value();
  EXPECT_EQ(experiments.values_size(), 1) << json;
  if (experiments.values_size() != 1) return {};
  const auto& servers = member(experiments.values(0), "servers").list_value().values();
  return {servers.begin(), servers.end()};
}

/// Runs one workload, and expects results of each server and nothing wrong with them.
void expect_all_right(const std::string& arguments, std::size_t servers) {
  const auto ended = run_shell(SWITCHBOARD_BENCH " " + arguments + " --json - 2>/dev/null");
  EXPECT_EQ(ended.status, 0) << arguments;
  const auto found = servers_of(ended.output);
  EXPECT_EQ(found.size(), servers) << ended.output;
  for (const auto& each : found) {
    EXPECT_GT(member(each, "results").number_value(), 0) << ended.output;
    for (const auto* kind : {"lost", "duplicated", "reordered", "corrupted"})
      EXPECT_EQ(member(member(each, "wrong"), kind).number_value(), 0) << kind << ended.output;
  }
}

/// A directory of the test's own.
class scratch : public testing::Test {
protected:
  scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "bench-test-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~scratch() override { std::filesystem::remove_all(path_); }

  std::string file(const std::string& name) const { return (path_ / name).string(); }

private:
  std::filesystem::path path_;
};

using BenchProgram = scratch;

TEST_F(BenchProgram, MeasuresEchoBesideTheLoopsByHand) {
  expect_all_right("echo --connections 3 --seconds 0.2 --repeat 2 --baseline bare,level", 3);
}

TEST_F(BenchProgram, ComparesWithEachThatIsInstalledAndNamesTheOthers) {
  const auto ended = run_bench("echo --compare --connections 2 --seconds 0.2 --repeat 2");
  EXPECT_EQ(ended.status, 0) << ended.output;
  for (const auto& [title, absent] :
       {std::pair{"Boost.Asio", "asio: not installed"}, std::pair{"CAF's broker", "caf: not installed"},
        std::pair{"gRPC callback", "grpc: not installed"}})
    EXPECT_NE(ended.output.find(title) != std::string::npos, ended.output.find(absent) != std::string::npos)
        << ended.output;
}

TEST_F(BenchProgram, MeasuresEchoWithSeveralThreads) {
  expect_all_right("echo --connections 8 --outstanding 4 --threads 2 --seconds 0.2 --repeat 2 --baseline bare,level",
                   3);
}

TEST_F(BenchProgram, MeasuresFanout) {
  expect_all_right("fanout --members 6 --rooms 2 --publishers 2 --seconds 0.2 --repeat 2 --baseline chat-broker", 2);
}

TEST_F(BenchProgram, MeasuresFanoutAtAFixedRate) {
  expect_all_right("fanout --members 4 --rate 200 --seconds 0.2 --repeat 2 --baseline none", 1);
}

TEST_F(BenchProgram, MeasuresConnect) {
  expect_all_right("connect --connections 3 --seconds 0.2 --repeat 2", 2);
}

TEST_F(BenchProgram, MeasuresIdle) {
  expect_all_right("idle --connections 50 --busy 2 --seconds 0.2 --repeat 2", 2);
}

TEST_F(BenchProgram, MeasuresPublish) {
  expect_all_right("publish --publishers 3 --seconds 0.2 --repeat 2", 3);
}

TEST_F(BenchProgram, MeasuresHistory) {
  expect_all_right("history --messages 2000 --seconds 0.2 --repeat 2", 1);
}

TEST_F(BenchProgram, EndsWithAFailureWhereAnAnswerIsWrong) {
  scripted_server server{frames([](const auto& call, std::size_t, std::string& out) {
    wire::append_message(out, call.call, "something else", true);
  })};
  const auto ended = run_bench("echo --connections 1 --seconds 0.1 --repeat 1 --baseline none --server " +
                               server.address().to_string());
  EXPECT_EQ(ended.status, 1);
  EXPECT_NE(ended.output.find("corrupted"), std::string::npos) << ended.output;
  EXPECT_NE(ended.output.find("WRONG"), std::string::npos) << ended.output;
}

/// Runs a workload in a directory, does `then` to $bench or its child $server once that has made `file`, and prints how the
/// bench ends, and whether the server has not.
outcome run_until(const std::string& directory, const std::string& arguments, const std::string& file,
                  const std::string& then) {
  return run_shell("cd " + directory + "; " SWITCHBOARD_BENCH " " + arguments + " >said 2>&1 & bench=$!;" +
                   " for turn in $(seq 1000); do ls " + file + " >/dev/null 2>&1 && break; sleep 0.02; done;" +
                   " server=$(cat /proc/$bench/task/$bench/children); " + then +
                   "; wait $bench; echo $?; kill -0 $server 2>/dev/null && echo still serves");
}

TEST_F(BenchProgram, StopsItsServersAndLeavesNoFilesWhereItIsInterrupted) {
  const auto ended = run_until(file(""), "publish --publishers 1 --seconds 60 --directory .",
                               "switchboard-bench-*/data/rooms.db", "kill -TERM $bench");
  EXPECT_EQ(ended.lines(), std::vector<std::string>{"143"}) << ended.output;
  EXPECT_EQ(run_shell("ls -A " + file("") + "; cat " + file("said")).output, "said\n");
}

TEST_F(BenchProgram, EndsAndSaysWhoseServerDied) {
  const auto ended = run_until(file(""), "publish --publishers 1 --seconds 60 --directory .",
                               "switchboard-bench-*/alone", "kill -KILL $server");
  EXPECT_EQ(ended.lines(), std::vector<std::string>{"1"}) << ended.output;
  const auto said = run_shell("ls -A " + file("") + "; cat " + file("said")).output;
  EXPECT_NE(said.find("said\nswitchboard-bench: chat-broker"), std::string::npos) << said;
}

TEST_F(BenchProgram, NamesWhatIsNotInstalled) {
  const auto ended = run_shell("PATH=/nowhere " SWITCHBOARD_BENCH " fanout --members 2 --seconds 0.1 --repeat 1 2>&1");
  EXPECT_EQ(ended.status, 0) << ended.output;
  EXPECT_NE(ended.output.find("redis-server: not installed (redis-server)"), std::string::npos) << ended.output;
}

TEST_F(BenchProgram, WritesPlotsThatAreXml) {
  const auto ended =
      run_bench("echo --connections 1,2 --seconds 0.1 --repeat 1 --baseline none --svg " + file("plots.svg"));
  EXPECT_EQ(ended.status, 0) << ended.output;
  const auto read = run_shell(
      "python3 -c 'import sys, xml.dom.minidom as dom; print(dom.parse(sys.argv[1]).documentElement.tagName)' " +
      file("plots.svg") + " 2>&1");
  EXPECT_EQ(read.output, "svg\n");
}

TEST_F(BenchProgram, WantsABenchmarkOrAllOfThem) {
  EXPECT_EQ(run_bench("").status, 2);
  EXPECT_EQ(run_bench("--quick echo").status, 2);
}

TEST_F(BenchProgram, SaysWhereItCannotWrite) {
  const auto ended = run_bench("echo --connections 1 --seconds 0.1 --repeat 1 --baseline none --json /nowhere/figures");
  EXPECT_EQ(ended.status, 1);
  EXPECT_NE(ended.output.find("/nowhere/figures"), std::string::npos) << ended.output;
}

}  // namespace
}  // namespace switchboard::bench
