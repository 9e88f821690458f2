#include "line_input.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cwchar>
#include <utility>

#include <histedit.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace switchboard::chat_client {
namespace {

constexpr int history_size = 500;

class plain_input final : public line_input {
public:
  explicit plain_input(event_loop& loop) : loop_(loop) {}

  std::optional<std::string> next() override {
    while (true) {
      if (auto line = take_line()) return line;
      if (ended_) return take_rest();
      if (!loop_.until_readable(STDIN_FILENO)) return std::nullopt;
      std::array<char, 16 * 1024> chunk;
      const auto size = read(STDIN_FILENO, chunk.data(), chunk.size());
      if (size < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (size <= 0) {
        ended_ = true;
      } else {
        keep({chunk.data(), static_cast<std::size_t>(size)});
      }
    }
  }

  void show(std::string_view line) override { print_line(line); }

private:
  std::optional<std::string> take_line() {
    const auto end = kept_.find('\n', searched_);
    if (end == std::string::npos) {
      searched_ = kept_.size();
      return std::nullopt;
    }
    auto line = kept_.substr(0, end);
    kept_.erase(0, end + 1);
    searched_ = 0;
    return finished(std::move(line));
  }

  std::optional<std::string> take_rest() {
    if (kept_.empty()) return std::nullopt;
    return finished(std::exchange(kept_, {}));
  }

  /// Keeps no more of an endless line than shows that it is too long.
  void keep(std::string_view chunk) {
    kept_.append(chunk);
    const auto last = kept_.rfind('\n');
    const auto start = last == std::string::npos ? 0 : last + 1;
    if (kept_.size() - start > text_limit + 1) kept_.resize(start + text_limit + 1);
  }

  static std::string finished(std::string line) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    return line;
  }

  event_loop& loop_;
  std::string kept_;
  std::size_t searched_ = 0;
  bool ended_ = false;
};

struct editor_end {
  void operator()(EditLine* editor) const { el_end(editor); }
};
struct history_end_of_use {
  void operator()(History* past) const { ::history_end(past); }
};

std::size_t width_of(const wchar_t* from, const wchar_t* to) {
  std::size_t width = 0;
  for (; from != to; ++from) width += static_cast<std::size_t>(std::max(0, wcwidth(*from)));
  return width;
}

std::size_t width_of(std::string_view text) {
  std::size_t width = 0;
  std::mbstate_t state{};
  while (!text.empty()) {
    wchar_t character;
    const auto size = std::mbrtowc(&character, text.data(), text.size(), &state);
    if (size == 0 || size > text.size()) return width + text.size();
    width += width_of(&character, &character + 1);
    text.remove_prefix(size);
  }
  return width;
}

std::size_t screen_width() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

class edited_input final : public line_input {
public:
  edited_input(event_loop& loop, std::function<std::string()> prompt)
      : loop_(loop),
        ask_(std::move(prompt)),
        past_(history_init()),
        editor_(el_init("chat-client", stdin, stdout, stderr)) {
    HistEvent ignored;
    history(past_.get(), &ignored, H_SETSIZE, history_size);
    history(past_.get(), &ignored, H_SETUNIQUE, 1);
    el_set(editor_.get(), EL_CLIENTDATA, this);
    el_set(editor_.get(), EL_EDITOR, "emacs");
    el_set(editor_.get(), EL_SIGNAL, 1);
    el_set(editor_.get(), EL_HIST, history, past_.get());
    el_set(editor_.get(), EL_PROMPT, &edited_input::prompt);
    el_set(editor_.get(), EL_GETCFN, &edited_input::read_character);
    el_source(editor_.get(), nullptr);  // the user's ~/.editrc
  }

  std::optional<std::string> next() override {
    prompt_ = ask_();
    int size = 0;
    editing_ = true;
    const char* typed = el_gets(editor_.get(), &size);
    editing_ = false;
    if (!typed || size <= 0) {
      print_line("");
      return std::nullopt;
    }
    std::string line(typed, static_cast<std::size_t>(size));
    if (line.back() == '\n') line.pop_back();
    rows_ = (width_of(prompt_) + width_of(line)) / screen_width() + 1;
    if (!line.empty()) {
      HistEvent ignored;
      history(past_.get(), &ignored, H_ENTER, typed);
    }
    return line;
  }

  void show(std::string_view line) override {
    if (!editing_) return print_line(line);
    // The cursor stands somewhere in the line being typed, which may fill several rows: go to its start, clear, and let
    // the editor draw it anew below.
    const auto* typed = el_wline(editor_.get());
    up((width_of(prompt_) + width_of(typed->buffer, typed->cursor)) / screen_width());
    print_line(line);
    el_set(editor_.get(), EL_REFRESH);
    std::fflush(stdout);
  }

  void retract() override { up(rows_); }

private:
  static edited_input& self(EditLine* editor) {
    void* data = nullptr;
    el_get(editor, EL_CLIENTDATA, &data);
    return *static_cast<edited_input*>(data);
  }

  static char* prompt(EditLine* editor) { return self(editor).prompt_.data(); }

  /// While the editor waits for a key, the session is driven.
  static int read_character(EditLine* editor, wchar_t* into) {
    auto& input = self(editor);
    while (true) {
      if (!input.loop_.until_readable(STDIN_FILENO)) return 0;
      char byte;
      const auto size = read(STDIN_FILENO, &byte, 1);
      if (size < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (size <= 0) return 0;
      const auto converted = std::mbrtowc(into, &byte, 1, &input.incoming_);
      if (converted == static_cast<std::size_t>(-2)) continue;
      if (converted == static_cast<std::size_t>(-1)) {
        input.incoming_ = {};
        continue;
      }
      return 1;
    }
  }

  static void up(std::size_t rows) {
    if (rows > 0) std::printf("\033[%zuA", rows);
    std::fputs("\r\033[J", stdout);
    std::fflush(stdout);
  }

  event_loop& loop_;
  std::function<std::string()> ask_;
  std::string prompt_;
  std::unique_ptr<History, history_end_of_use> past_;
  std::unique_ptr<EditLine, editor_end> editor_;
  std::mbstate_t incoming_{};
  std::size_t rows_ = 0;
  bool editing_ = false;
};

}  // namespace

std::unique_ptr<line_input> make_plain_input(event_loop& loop) {
  return std::make_unique<plain_input>(loop);
}

std::unique_ptr<line_input> make_edited_input(event_loop& loop, std::function<std::string()> prompt) {
  return std::make_unique<edited_input>(loop, std::move(prompt));
}

void print_line(std::string_view line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

}  // namespace switchboard::chat_client
