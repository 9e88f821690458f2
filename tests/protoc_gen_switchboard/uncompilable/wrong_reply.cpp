// Does not compile, and the first error names the method: see check_first_error.cmake.
#include <every_kind.switchboard.hpp>

using namespace switchboard::test::every::v1;

struct second {
  Parcel_Label weigh(const Parcel& parcel) { return parcel.label(); }
};

auto served = Second::service<second>();
