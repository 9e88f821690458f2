#include <utility>

#include <switchboard/limit/limit_monitor.hpp>

namespace switchboard {

limit_monitor::limit_monitor(std::string_view name, std::shared_ptr<metrics::registry> figures)
    : name_(name), registry_(std::move(figures)), lines_("hits of the limit " + name_) {
  if (registry_)
    hits_ = registry_->counters("switchboard_limit_hits_total", "How often a limit refused something.", {"limit"})
                .with({name_});
}

limit_monitor::~limit_monitor() {
  if (const auto report = lines_.take_report(); !report.empty()) logging::warn("{}", report);
}

void limit_monitor::hit(std::string_view whose) const noexcept {
  hits_.add();
  lines_.warn("{}: hit the limit {}", whose, name_);
}

}  // namespace switchboard
