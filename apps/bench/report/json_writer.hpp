#pragma once

/// JSON (RFC 8259), written as it is produced, indented by two.
///
/// Threads    a value.
/// Numbers    have the digits that read back to the same double; not-a-number and infinities, which JSON lacks, are null.

#include <string>
#include <string_view>

namespace switchboard::bench {

class json_writer {
public:
  void begin_object() { begin('{'); }
  void end_object() { end('}'); }
  void begin_array() { begin('['); }
  void end_array() { end(']'); }
  /// Of the value that comes next.
  void key(std::string_view name);

  void value(std::string_view text);
  void value(const char* text) { value(std::string_view(text)); }
  void value(double number);
  void value(bool truth);
  void null();

  template <class Value>
  void member(std::string_view name, const Value& of) {
    key(name);
    value(of);
  }

  /// What was written, with a newline at its end.
  std::string text() const { return text_ + "\n"; }

private:
  void begin(char bracket);
  void end(char bracket);
  void next();
  void append_quoted(std::string_view text);

  std::string text_;
  std::size_t depth_ = 0;
  bool is_first_ = true;  // of its object or array
  bool has_key_ = false;  // which the next value belongs to
};

}  // namespace switchboard::bench
