// The problems of a dispatch as text: one line for each kernel, kind and place.
#pragma once
#include <string>

namespace software_metal {

void clear_problems();
std::string problems();
/** After very many a dispatch is given up: from such a state a kernel may never end. */
bool has_too_many_problems();

}  // namespace software_metal
