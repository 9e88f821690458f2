#include <greeter/v1/greeter.switchboard.hpp>

#include <switchboard/server/server.hpp>

using namespace greeter::v1;

struct greeter_service {
  GreetReply greet(const GreetRequest& request) {
    GreetReply reply;
    reply.set_text("Hello, " + request.name() + "!");
    return reply;
  }
};

int main(int argc, char** argv) {
  switchboard::server server{"greeter", "Says hello.", "127.0.0.1:7000"};
  server.add(Greeter::service<greeter_service>());
  return server.run(argc, argv);
}
