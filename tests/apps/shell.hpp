#pragma once

/// Programs run as scripts run them.

#include <array>
#include <cstdio>
#include <sstream>
#include <string>
#include <vector>

#include <sys/wait.h>

namespace switchboard {

struct outcome {
  int status = -1;
  std::string output;

  std::vector<std::string> lines() const {
    std::vector<std::string> all;
    std::istringstream stream(output);
    for (std::string line; std::getline(stream, line);) all.push_back(line);
    return all;
  }
};

/// Runs a shell command; standard input is empty unless the command says otherwise.
inline outcome run_shell(const std::string& command) {
  outcome result;
  FILE* program = popen(("{ " + command + "; } </dev/null").c_str(), "r");
  if (!program) return result;
  std::array<char, 4096> chunk;
  for (std::size_t size; (size = fread(chunk.data(), 1, chunk.size(), program)) > 0;)
    result.output.append(chunk.data(), size);
  const int status = pclose(program);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return result;
}

}  // namespace switchboard
