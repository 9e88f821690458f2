// Does not compile, and the first error names the method: see check_first_error.cmake.
#include <every_kind.switchboard.hpp>

using namespace switchboard::test::every::v1;

struct second {
private:
  Parcel weigh(const Parcel& parcel) { return parcel; }
};

auto served = Second::service<second>();
