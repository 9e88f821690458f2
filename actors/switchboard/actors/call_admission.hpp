#pragma once

/// Decides which calls of a client are run.
///
/// Order      number, authentication, draining, method, open calls, metadata, then what only calls of services have to
///            pass: metadata in all, credit, interceptors (proto/README.md).
/// Threads    the connection's.
/// Errors     a number that breaks the protocol ends the connection; all else ends the call, with the status that is
///            given.

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include <switchboard/actors/call_table.hpp>
#include <switchboard/actors/client_session.hpp>
#include <switchboard/actors/connection_environment.hpp>
#include <switchboard/actors/interceptor_chain.hpp>
#include <switchboard/rpc/status.hpp>
#include <switchboard/wire/frame_view.hpp>

namespace switchboard::actors {

class call_admission {
public:
  /// All of them live longer.
  call_admission(const connection_environment& environment, client_session& session, const call_table& open) noexcept
      : environment_(environment), session_(session), calls_(open) {}

  /// Uses up the number of an opening frame; a sentence where that breaks the protocol, else null.
  const char* use_number(std::uint64_t number) noexcept;
  bool was_opened(std::uint64_t number) const noexcept { return number % 2 == 1 && number <= highest_; }

  /// The method that is called; null where none is served by that name.
  const method_entry* find(std::string_view method);
  /// Why the call that `frame` opens is not run, but for what its request says; nothing where it is run.
  std::optional<rpc::status> refusal_of(const wire::frame_view& frame, const method_entry* entry) const;
  /// Why there is to be no further open call; nothing where there may be.
  std::optional<rpc::status> refusal_of_one_more() const;
  /// Why what only calls of services have to pass refuses it, once refusal_of() had nothing to say. `kept`: what the call
  /// would keep of its request's metadata, null where that is nothing.
  std::optional<rpc::status> refusal_of_service_call(const wire::frame_view& frame, const method_entry& entry,
                                                     rpc::time_point deadline_at,
                                                     const std::shared_ptr<const rpc::metadata>& kept) const;

private:
  const connection_environment& environment_;
  client_session& session_;
  const call_table& calls_;
  std::uint64_t highest_ = 0;
  const method_entry* last_ = nullptr;
};

}  // namespace switchboard::actors
