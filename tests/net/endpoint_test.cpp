#include <gtest/gtest.h>

#include <switchboard/error/errc.hpp>
#include <switchboard/net/endpoint.hpp>

namespace switchboard::net {
namespace {

TEST(Endpoint, ParsesHostAndPort) {
  const auto parsed = endpoint::parse("chat.example.org:7777");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(*parsed, endpoint::tcp("chat.example.org", 7777));
  EXPECT_EQ(parsed->kind(), endpoint::family::tcp);
  EXPECT_EQ(parsed->host(), "chat.example.org");
  EXPECT_EQ(parsed->port(), 7777);
}

TEST(Endpoint, ParsesIpv4WithEveryPort) {
  EXPECT_EQ(*endpoint::parse("127.0.0.1:0"), endpoint::tcp("127.0.0.1", 0));
  EXPECT_EQ(*endpoint::parse("127.0.0.1:65535"), endpoint::tcp("127.0.0.1", 65535));
}

TEST(Endpoint, ParsesIpv6InBracketsAndDropsThem) {
  EXPECT_EQ(endpoint::parse("[::1]:7777")->host(), "::1");
  EXPECT_EQ(endpoint::parse("[::]:0")->host(), "::");
  EXPECT_EQ(endpoint::parse("[fe80::1%eth0]:1")->host(), "fe80::1%eth0");
  EXPECT_EQ(endpoint::parse("[::ffff:10.0.0.1]:1")->host(), "::ffff:10.0.0.1");
}

TEST(Endpoint, ParsesTheSchemeOfTcp) {
  EXPECT_EQ(*endpoint::parse("tcp:127.0.0.1:80"), endpoint::tcp("127.0.0.1", 80));
  EXPECT_EQ(*endpoint::parse("tcp:[::1]:80"), endpoint::tcp("::1", 80));
  EXPECT_EQ(*endpoint::parse("tcp:80"), endpoint::tcp("tcp", 80)) << "a host of that name";
}

TEST(Endpoint, ParsesUnixPath) {
  const auto parsed = endpoint::parse("unix:/run/chat/broker.sock");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->kind(), endpoint::family::local);
  EXPECT_EQ(parsed->path(), "/run/chat/broker.sock");
  EXPECT_EQ(parsed->port(), 0);
}

TEST(Endpoint, KeepsColonsOfAUnixPath) {
  EXPECT_EQ(endpoint::parse("unix:/tmp/a:b:1")->path(), "/tmp/a:b:1");
}

TEST(Endpoint, PrintsWhatItParses) {
  for (const auto* text : {"localhost:80", "127.0.0.1:7777", "[::1]:7777", "[fe80::1%eth0]:1", "unix:/tmp/x.sock"})
    EXPECT_EQ(endpoint::parse(text)->to_string(), text);
}

TEST(Endpoint, RejectsWhatIsNoAddress) {
  using namespace std::string_view_literals;
  for (const auto text : {""sv,           ":"sv,          "host"sv,    "host:"sv,         ":80"sv,        "host:port"sv,
                          "host:65536"sv, "host:-1"sv,    "host:+1"sv, "host: 1"sv,       "host:1 "sv,    "host:0x50"sv,
                          "ho st:80"sv,   "a/b:80"sv,     "::1:80"sv,  "1:2:3"sv,         "tcp:1:2:3"sv,  "[::1]"sv,
                          "[::1]80"sv,    "[::1]:"sv,     "[]:80"sv,   "[::1:80"sv,       "::1]:80"sv,    "[host]:80"sv,
                          "[::1%]:80"sv,  "[[::1]]:80"sv, "unix:"sv,   "unix:relative"sv, "unix:/a\0b"sv, "UNIX:/a"sv})
    EXPECT_EQ(endpoint::parse(text).error(), errc::invalid_endpoint) << '"' << text << '"';
}

TEST(Endpoint, OfDifferentFamiliesDiffer) {
  EXPECT_NE(endpoint::tcp("/a", 0), endpoint::unix_path("/a"));
}

TEST(Endpoint, NeedsALookupOnlyWhereItsHostIsAName) {
  for (const auto* text : {"127.0.0.1:1", "0.0.0.0:1", "255.255.255.255:1", "[::1]:1", "[fe80::1%eth0]:1", "unix:/a"})
    EXPECT_FALSE(endpoint::parse(text)->needs_lookup()) << text;
  for (const auto* text :
       {"localhost:1", "example.org:1", "1.2.3:1", "1.2.3.4.5:1", "1.2.3.256:1", "1.2.3.:1", "a.b.c.d:1"})
    EXPECT_TRUE(endpoint::parse(text)->needs_lookup()) << text;
}

}  // namespace
}  // namespace switchboard::net
