#include <string>

#include <switchboard/v1/frame.pb.h>
#include <switchboard/wire/frame_encoder.hpp>

// A frame written by the installed library, read back by protobuf.
int main() {
  std::string bytes;
  switchboard::wire::append_message(bytes, 1, "hello", true);
  switchboard::v1::Frame frame;
  bool read = frame.ParseFromArray(bytes.data() + 1, static_cast<int>(bytes.size()) - 1);
  return read && frame.call() == 1 && frame.message() == "hello" ? 0 : 1;
}
