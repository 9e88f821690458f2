#include <fstream>
#include <sstream>

#include <every_kind.client.hpp>
#include <every_kind.switchboard.hpp>
#include <gtest/gtest.h>
#include <messages_only.pb.h>
#include <no_package.switchboard.hpp>

#include <switchboard/testkit/live_server.hpp>

namespace switchboard::test::every::v1 {
namespace {

using namespace std::chrono_literals;
using google::protobuf::Empty;

Parcel parcel(int weight) {
  Parcel made;
  made.set_weight(weight);
  return made;
}

struct warehouse {
  Parcel_Label weigh(const Parcel& request) {
    Parcel_Label label;
    label.set_text(request.has_weight() ? std::to_string(request.weight()) : "not weighed");
    return label;
  }
  void unload(const Empty&, rpc::outbound<Parcel> parcels) {
    parcels.generate([left = 3](Parcel& next) mutable {
      next.set_weight(left);
      return left-- > 0;
    });
  }
  void load(rpc::inbound<Parcel> parcels, rpc::responder<Empty> loaded) {
    parcels.receive([this](Parcel& each) { weight_ += each.weight(); },
                    [loaded = std::move(loaded)](const rpc::status&) mutable { loaded.reply(Empty{}); });
  }
  void sort(rpc::inbound<Parcel> parcels, rpc::outbound<Parcel> sorted) {
    auto out = std::make_shared<rpc::outbound<Parcel>>(std::move(sorted));
    parcels.receive([out](Parcel& each) { out->send(each); }, [out](const rpc::status&) { out->finish(); });
  }
  rpc::result<Parcel> delete_(Parcel&) { return rpc::status{rpc::code::permission_denied, "nothing is thrown away"}; }
  Parcel get_url(Parcel request, const rpc::call_context& call) {
    request.mutable_label()->set_text(call.method().name);
    return request;
  }
  Parcel stub_(const Parcel&) { return parcel(weight_); }

  int weight_ = 0;
};

std::string generated(const std::string& file) {
  std::ifstream in{GENERATED_DIR "/" + file};
  return (std::ostringstream{} << in.rdbuf()).str();
}

class GeneratedCode : public testing::Test {
protected:
  testkit::live_server server;
  client::channel connection = [this] {
    server.add(EveryKind::service<warehouse>());
    return server.connect();
  }();
  EveryKind::stub stub{connection};
};

TEST_F(GeneratedCode, CallsAUnaryMethod) {
  const auto label = stub.weigh(parcel(7), client::within(10s)).get();
  ASSERT_TRUE(label) << label.status().message;
  EXPECT_EQ(label->text(), "7");
}

TEST_F(GeneratedCode, TellsAnOptionalFieldThatIsNotThereFromZero) {
  EXPECT_EQ(stub.weigh(parcel(0), client::within(10s)).get()->text(), "0");
  EXPECT_EQ(stub.weigh(Parcel{}, client::within(10s)).get()->text(), "not weighed");
}

TEST_F(GeneratedCode, ReadsAStreamOfRepliesAsARange) {
  std::vector<int> weights;
  auto parcels = stub.unload(Empty{});
  for (const auto& each : parcels.within(10s)) weights.push_back(each.weight());
  EXPECT_TRUE(parcels.status().ok());
  EXPECT_EQ(weights, (std::vector{3, 2, 1}));
}

TEST_F(GeneratedCode, WritesAStreamOfRequests) {
  auto parcels = stub.load();
  for (const int weight : {1, 2, 3}) ASSERT_TRUE(parcels.send(parcel(weight), client::within(10s)).ok());
  ASSERT_TRUE(parcels.finish(client::within(10s)));
  EXPECT_EQ(stub.stub_(Parcel{}, client::within(10s)).get()->weight(), 6);
}

TEST_F(GeneratedCode, StreamsBothWays) {
  auto sorted = stub.sort();
  for (const int weight : {5, 6}) {
    ASSERT_TRUE(sorted.send(parcel(weight), client::within(10s)).ok());
    Parcel back;
    ASSERT_TRUE(sorted.next(back, client::within(10s)).has_message());
    EXPECT_EQ(back.weight(), weight);
  }
  sorted.finish();
  Parcel none;
  EXPECT_TRUE(sorted.next(none, client::within(10s)).ended());
}

TEST_F(GeneratedCode, NamesMethodsSoThatCppTakesThem) {
  EXPECT_EQ(stub.delete_(parcel(1), client::within(10s)).get().status().code, rpc::code::permission_denied);
  EXPECT_EQ(stub.get_url(parcel(1), client::within(10s)).get()->label().text(),
            "switchboard.test.every.v1.EveryKind/GetURL");
}

TEST_F(GeneratedCode, CarriesTheCommentsOfTheProto) {
  const auto code = generated("every_kind.methods.hpp");
  EXPECT_NE(code.find("/// Serves every kind of method.\n/// With a $dollar$ in its comment.\nstruct EveryKind {"),
            std::string::npos);
  EXPECT_NE(code.find("  /// Weighs one parcel.\n  struct weigh"), std::string::npos);
}

TEST(GeneratedCodeOf, AFileWithoutAPackageIsInNoNamespace) {
  EXPECT_EQ(::Homeless::full_name, "Homeless");
  EXPECT_EQ(::Homeless::wander::name, "Homeless/Wander");
}

}  // namespace
}  // namespace switchboard::test::every::v1
