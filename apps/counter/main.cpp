#include "counter_service.hpp"

#include <switchboard/server/server.hpp>

int main(int argc, char** argv) {
  switchboard::server server{"counter-server", "Counts by name.", "127.0.0.1:7779"};
  server.add(switchboard::counter::definition());
  return server.run(argc, argv);
}
