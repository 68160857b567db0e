#include <cstdio>

int main() {
  std::puts("looktwice");
  return 0;
}
