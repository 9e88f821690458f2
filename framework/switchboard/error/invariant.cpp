#include <cstdio>
#include <cstdlib>

#include <switchboard/error/invariant.hpp>

namespace switchboard {

void invariant_broken(const char* condition, const char* reason, const char* file, int line) noexcept {
  std::fprintf(stderr, "switchboard: broken invariant: %s (%s) at %s:%d\n", reason, condition, file, line);
  std::abort();
}

}  // namespace switchboard
