#include <switchboard/rpc/metadata.hpp>
#include <switchboard/rpc/method.hpp>
#include <switchboard/rpc/status.hpp>

namespace switchboard::rpc {

const metadata& no_metadata() noexcept {
  static const metadata none;
  return none;
}

status check(const metadata_view& of_request) {
  using wire::metadata_fault;
  switch (const auto fault = wire::fault_of_request(of_request)) {
    case metadata_fault::none:
      return {};
    case metadata_fault::malformed_key:
    case metadata_fault::reserved_key:
      return {code::invalid_argument, wire::to_string(fault)};
    default:
      return {code::resource_exhausted, wire::to_string(fault)};
  }
}

std::shared_ptr<const metadata> kept_metadata(const metadata_view& of_request, const method& to) {
  if (of_request.empty()) return nullptr;
  auto kept = to.reads_metadata ? metadata{of_request} : wire::trace_context_of(of_request);
  return kept.empty() ? nullptr : std::make_shared<const metadata>(std::move(kept));
}

}  // namespace switchboard::rpc
