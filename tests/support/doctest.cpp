// doctest itself, compiled once for all the test programs.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
