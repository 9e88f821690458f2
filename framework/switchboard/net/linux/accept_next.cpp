#include "accept_next.hpp"

#include <cerrno>

namespace switchboard::net {
namespace {

/// How many connections that ended in the backlog one call passes over before it lets others run.
constexpr int skip_limit = 64;
/// Errors of the connection, not of the listener: accept(2) passes on what happened to it in the backlog.
bool concerns_only_the_connection(int error) noexcept {
  switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case EPERM:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case ENETUNREACH:
      return true;
    default:
      return false;
  }
}

}  // namespace

bool is_listening(int socket) noexcept {
  int answer = 0;
  socklen_t size = sizeof answer;
  return getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &answer, &size) == 0 && answer != 0;
}

accepted_socket accept_next(int listener, socket_address* peer) noexcept {
  for (int skipped = 0; skipped < skip_limit; ++skipped) {
    if (peer != nullptr) peer->size = sizeof peer->storage;
    descriptor taken(
        ::accept4(listener, peer ? peer->data() : nullptr, peer ? &peer->size : nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (taken) return {std::move(taken)};
    if (!concerns_only_the_connection(errno)) return {descriptor(), errno};
  }
  return {descriptor(), EAGAIN};
}

}  // namespace switchboard::net
