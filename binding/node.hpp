// Node-API as the binding uses it.
#pragma once

// A worker that is being terminated refuses exceptions; that must not end the process.
#define NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS
#include <napi.h>
