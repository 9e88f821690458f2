#include <switchboard/error/errc.hpp>

namespace switchboard {
namespace {

class category final : public std::error_category {
public:
  const char* name() const noexcept override { return "switchboard"; }

  std::string message(int code) const override {
    switch (static_cast<errc>(code)) {
      case errc::closed:
        return "closed";
      case errc::key_mismatch:
        return "the socket is registered under another key";
      case errc::removing:
        return "the registration is being removed";
      case errc::not_registered:
        return "the socket is not registered";
      case errc::registered_elsewhere:
        return "the socket is registered on another port";
      case errc::not_a_socket:
        return "not a socket";
      case errc::invalid_request:
        return "contradictory or incomplete request";
      case errc::invalid_endpoint:
        return "not an address (host:port, [ipv6]:port or unix:/path)";
      case errc::unresolved_host:
        return "the host name has no address";
      case errc::address_in_use:
        return "the address is in use";
      case errc::out_of_descriptors:
        return "out of file descriptors";
      case errc::registrations_exhausted:
        return "as many sockets are registered as can be";
      case errc::frame_too_large:
        return "the frame is above the size limit";
      case errc::malformed_varint:
        return "the frame's size does not end within five bytes";
      case errc::malformed_frame:
        return "not a switchboard.v1.Frame";
      case errc::timed_out:
        return "timed out";
      case errc::end_of_stream:
        return "the peer closed the connection";
    }
    return "unknown error " + std::to_string(code);
  }
};

}  // namespace

const std::error_category& switchboard_category() noexcept {
  static const category instance;
  return instance;
}

std::error_code make_error_code(errc code) noexcept {
  return {static_cast<int>(code), switchboard_category()};
}

}  // namespace switchboard
