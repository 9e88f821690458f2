#include "progress.hpp"

#include <utility>

#include <unistd.h>

namespace switchboard::bench {
namespace {

constexpr std::size_t bar_width = 20;
constexpr auto erase_line = "\r\x1b[K";  // ECMA-48: EL, from the cursor on

}  // namespace

progress::progress(std::FILE* to) : to_(to), shown_(::isatty(::fileno(to)) == 1) {}

void progress::begin(std::string what, std::size_t steps) {
  what_ = std::move(what);
  steps_ = steps;
  done_ = 0;
  show();
}

void progress::advance() {
  ++done_;
  show();
}

void progress::clear() {
  if (!shown_) return;
  std::fputs(erase_line, to_);
  std::fflush(to_);
}

void progress::show() {
  if (!shown_) return;
  std::fprintf(to_, "%s%s", erase_line, what_.c_str());
  if (steps_ != 0) {
    const auto filled = bar_width * done_ / steps_;
    std::fprintf(to_, "  [%s%s] %zu of %zu", std::string(filled, '#').c_str(),
                 std::string(bar_width - filled, '.').c_str(), done_, steps_);
  }
  std::fflush(to_);
}

}  // namespace switchboard::bench
