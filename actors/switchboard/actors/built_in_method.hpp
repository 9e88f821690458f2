#pragma once

/// A method that the connection itself answers.
///
/// Why        what these answer only the connection knows (that its server drains, which identity its client has), or is
///            not worth a message to another actor. They are entries of the service directory like all others; what sets one apart
///            are flags of its entry, and a class of its own says what it answers.
/// Threads    immutable once made; called by any number of connections' actors at a time. Must not block.
/// Errors     statuses, with which the call ends.

#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include <switchboard/rpc/method.hpp>
#include <switchboard/rpc/result.hpp>
#include <switchboard/rpc/source.hpp>

namespace switchboard::actors {

/// A connection as the methods that it answers see it.
class session {
public:
  /// Whether the server is being stopped and takes no new calls of services.
  virtual bool draining() const noexcept = 0;
  /// Has the server decide who holds `token`; calls opened from then on are that identity's. Empty where the server
  /// demands no authentication, UNAUTHENTICATED where it knows no holder.
  virtual rpc::result<std::string> authenticate(const std::string& token) = 0;

protected:
  ~session() = default;
};

/// What a call comes to: how it failed, its reply (serialized), or what its stream of replies is drawn from: as long as
/// the session lives, and looked at again (source::next) when something about that has changed.
using built_in_answer = std::variant<rpc::status, std::string, std::shared_ptr<rpc::source>>;

class built_in_method {
public:
  virtual ~built_in_method() = default;
  /// Whether the call is answered before authentication, where the server demands that.
  virtual bool open_to_all(std::string_view request) const {
    (void)request;
    return false;
  }
  virtual built_in_answer answer(std::string_view request, session& on) const = 0;
};

/// What sets a method apart from those of a program's services (proto/README.md, "Draining", "Limits").
struct method_flags {
  bool while_draining = false;  ///< called while the server drains too; a stream goes on until the drain's end
  bool uncounted = false;       ///< answered at once, so outside the limit of open calls
};

struct built_in_entry {
  rpc::method method;
  method_flags flags;
  std::unique_ptr<const built_in_method> answers;
};

}  // namespace switchboard::actors
