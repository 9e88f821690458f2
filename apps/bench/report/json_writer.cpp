#include "json_writer.hpp"

#include <charconv>
#include <cmath>
#include <cstdio>

namespace switchboard::bench {

void json_writer::begin(char bracket) {
  next();
  text_ += bracket;
  ++depth_;
  is_first_ = true;
}

void json_writer::end(char bracket) {
  --depth_;
  if (!is_first_) text_ += "\n" + std::string(2 * depth_, ' ');
  text_ += bracket;
  is_first_ = false;
}

void json_writer::next() {
  if (has_key_) {
    has_key_ = false;
    return;
  }
  if (!is_first_) text_ += ',';
  if (depth_ != 0) text_ += "\n" + std::string(2 * depth_, ' ');
  is_first_ = false;
}

void json_writer::key(std::string_view name) {
  next();
  append_quoted(name);
  text_ += ": ";
  has_key_ = true;
}

void json_writer::value(std::string_view text) {
  next();
  append_quoted(text);
}

void json_writer::value(double number) {
  if (!std::isfinite(number)) return null();
  next();
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  text_.append(digits, end);
}

void json_writer::value(bool truth) {
  next();
  text_ += truth ? "true" : "false";
}

void json_writer::null() {
  next();
  text_ += "null";
}

void json_writer::append_quoted(std::string_view text) {
  text_ += '"';
  for (const char each : text) {
    if (each == '"' || each == '\\') {
      text_ += '\\';
      text_ += each;
    } else if (static_cast<unsigned char>(each) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(each));
      text_ += escape;
    } else {
      text_ += each;
    }
  }
  text_ += '"';
}

}  // namespace switchboard::bench
