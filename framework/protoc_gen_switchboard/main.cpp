#include "service_generator.hpp"

#include <google/protobuf/compiler/plugin.h>

int main(int argc, char** argv) {
  const switchboard::plugin::service_generator generator;
  return google::protobuf::compiler::PluginMain(argc, argv, &generator);
}
