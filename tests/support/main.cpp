// Of the test programs that bring no main of their own (cuda_main.cpp).
#include <doctest/doctest.h>

int main(int argc, char** argv) { return doctest::Context(argc, argv).run(); }
