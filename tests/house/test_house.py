"""house.py itself: each check fails where it has to, and the reader of declarations counts what a compiler would."""

import tempfile
import unittest
from pathlib import Path

import house
from declarations import declarations_of


def counts(source):
    """Name to (functions, members) of the classes in `source`."""
    return {each.name: (each.functions, each.members) for each in declarations_of(source)[0]}


def bodies(source):
    return {each.name: each.lines for each in declarations_of(source)[1]}


class Declarations(unittest.TestCase):
    def test_functions_and_members_are_counted_apart(self):
        self.assertEqual(counts("class a { public: a(); ~a(); int f(int x) const { return x; } private: int m_ = 0; };"), {"a": (3, 1)})

    def test_every_declarator_is_a_member(self):
        self.assertEqual(counts("struct a { int x, y{2}, z = f(1, 2); std::map<int, int> m; };"), {"a": (0, 4)})

    def test_a_function_type_in_a_member_is_no_function(self):
        self.assertEqual(counts("struct a { std::function<void(int, int)> f; error_or<int> g(std::function<int()> h = {}); };"), {"a": (1, 1)})

    def test_operators_and_conversions_are_functions(self):
        source = """struct a {
          bool operator()(int) const; bool operator<(const a&) const = default; a& operator=(a&&) noexcept;
          explicit operator bool() const noexcept { return true; } void operator<<(int);
        };"""
        self.assertEqual(counts(source), {"a": (5, 0)})

    def test_deleted_functions_types_friends_and_constants_do_not_count(self):
        source = """class a {
          a(const a&) = delete; a& operator=(const a&) = delete; using b = int; enum class c { d, e }; friend class f;
          static_assert(sizeof(int) == 4); static constexpr int limit = 4; static constexpr int twice(int x) { return 2 * x; }
          [[nodiscard]] int g();
        };"""
        self.assertEqual(counts(source), {"a": (2, 0)})

    def test_a_constructor_ends_at_its_body(self):
        source = """struct a {
          a(int x) noexcept : b{x}, c(x), d{{x}} { go({x}); }
          template <class T> requires std::integral<T> && (sizeof(T) > 2) explicit a(T x) : b{x} {}
          int b; int c; e d;
        };"""
        self.assertEqual(counts(source), {"a": (2, 3)})

    def test_classes_within_classes_count_on_their_own(self):
        source = "class a { struct b { int x; int y; }; struct { int z; } one_, other_; struct c; c* made(); union d { int i; } u; };"
        self.assertEqual(counts(source)["a"], (1, 3))
        self.assertEqual(counts(source)["b"], (0, 2))

    def test_comments_literals_and_preprocessor_lines_are_passed_over(self):
        source = '#define X struct {\\\n int z; }\nstruct a { // int x;\n /* int y; */ char c = \'"\'; const char* s = "{ int z; }"; const char* r = R"x({")x"; };'
        self.assertEqual(counts(source), {"a": (0, 3)})

    def test_classes_are_found_in_namespaces_templates_and_sources(self):
        source = "namespace a::b { namespace { template <class T, class = void> struct c final : d<T> { T x; }; } } extern \"C\" { struct e { int x; }; }"
        self.assertEqual(counts(source), {"c": (0, 1), "e": (0, 1)})

    def test_a_function_is_measured_from_its_head_to_its_closing_brace(self):
        self.assertEqual(bodies("int f(int a,\n      int b) {\n  return a;\n}\nMACRO(x)\nvoid g::h() const { }\n"), {"f": 4, "h": 1})

    def test_lambdas_and_subscripts_do_not_end_a_function_early(self):
        self.assertEqual(bodies("int f() {\n  auto x = [] { return a[b[0]]; };\n  return x();\n}\nint y;\n"), {"f": 4})


class Tree(unittest.TestCase):
    """house.py over a small tree."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = Path(self.folder.name)
        self.write("proto/README.md", "# The protocol\n\n## Limits\n")
        self.addCleanup(self.folder.cleanup)

    def write(self, path, text):
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def violations(self):
        return list(house.check(self.root))

    def assert_one(self, text):
        self.assertEqual(len(self.violations()), 1, self.violations())
        self.assertIn(text, self.violations()[0])

    def test_a_tree_in_order_passes(self):
        self.write("framework/a.hpp", '/// (proto/README.md, "Limits")\nstruct a { int x; };\n')
        self.assertEqual(self.violations(), [])

    def test_a_file_of_501_lines_fails_and_one_of_500_does_not(self):
        self.write("apps/a.py", "\n" * 500)
        self.assertEqual(self.violations(), [])
        self.write("apps/a.py", "\n" * 501)
        self.assert_one("file apps/a.py: 501 lines, at most 500")

    def test_tests_may_be_longer(self):
        self.write("tests/a.cpp", "\n" * 900)
        self.assertEqual(self.violations(), [])

    def test_a_class_with_31_functions_and_members_fails_and_one_with_30_does_not(self):
        members = "".join(f"int m{each};\n" for each in range(15))
        self.write("actors/a.hpp", "class a {" + members + "void f();\n" * 15 + "};")
        self.assertEqual(self.violations(), [])
        self.write("actors/a.hpp", "class a {" + members + "void f();\n" * 16 + "};")
        self.assert_one("class a actors/a.hpp: 31 functions and members, at most 30")

    def test_a_function_of_61_lines_fails(self):
        self.write("actors/a.cpp", "void f() {" + "\n" * 60 + "}\n")
        self.assert_one("function f actors/a.cpp: 61 lines, at most 60")

    def test_what_is_known_to_be_larger_may_not_grow(self):
        self.write("tests/house/larger.txt", "file 600 apps/a.py\n")
        self.write("apps/a.py", "\n" * 600)
        self.assertEqual(self.violations(), [])
        self.write("apps/a.py", "\n" * 601)
        self.assert_one("601 lines, at most 600")

    def test_what_is_no_longer_larger_must_leave_the_list(self):
        self.write("tests/house/larger.txt", "file 600 apps/a.py\n")
        self.write("apps/a.py", "\n" * 500)
        self.assert_one("take the line out")

    def test_a_heading_must_be_on_its_page(self):
        self.write("framework/a.hpp", '/// Bounds (proto/README.md, "Limits", "Marks").\n')
        self.assert_one('framework/a.hpp:1: names the heading "Marks", which proto/README.md does not have')

    def test_a_heading_needs_a_page(self):
        self.write("framework/a.hpp", '/// Bounds (wire\n/// protocol, "Limits").\n')
        self.assert_one("framework/a.hpp:1: names a heading without the page it is on")

    def test_a_file_that_a_comment_names_must_exist(self):
        self.write("framework/switchboard/wire/limits.hpp", "")
        self.write("framework/a.cpp", "int x;  // see wire/limits.hpp and limits.hpp\n# include\n")
        self.assertEqual(self.violations(), [])
        self.write("framework/a.cpp", "int x;  // see wire/bounds.hpp\n")
        self.assert_one("names wire/bounds.hpp, which is not in the tree")

    def test_a_link_of_a_page_must_lead_somewhere(self):
        self.write("README.md", "[protocol](proto/README.md#limits) [elsewhere](https://example.org/a) [source](framework/a)\n")
        self.assert_one("README.md:1: links to framework/a, which is not there")

    def test_the_table_of_parts_is_the_targets(self):
        self.write("framework/wire/CMakeLists.txt", "switchboard_part(wire SOURCES a.cpp LINKS switchboard_error)\n")
        self.write("framework/error/CMakeLists.txt", "switchboard_part(error)\n")
        rows = ["| error | `framework/error` | errors |\n", "| wire | `framework/wire` | frames |\n"]
        self.write("framework/docs/architecture.md", "".join(rows))
        self.assertEqual(self.violations(), [])
        self.write("framework/docs/architecture.md", "".join(reversed(rows)))
        self.assert_one("wire links error, which is not above it in the table")
        self.write("framework/docs/architecture.md", rows[0])
        self.assert_one("the table of parts lacks framework/wire")

    def test_a_word_of_our_own_fails_in_comments_and_pages_and_not_in_code(self):
        self.write("framework/a.cpp", 'const char* whoever = "nobody";  // the caller\n')
        self.assertEqual(self.violations(), [])
        self.write("framework/a.cpp", "int x;  // whoever calls\n")
        self.assert_one('framework/a.cpp:1: "whoever" (name the part or the person)')
        self.write("framework/a.cpp", "int x;\n")
        self.write("framework/a.md", "Nobody calls.\n")
        self.assert_one('framework/a.md:1: "Nobody"')

    def test_a_word_is_left_alone_where_the_field_uses_it(self):
        self.write("framework/a.md", "Run it behind a reverse proxy.\n")
        self.assertEqual(self.violations(), [])
        self.write("framework/a.md", "It comes behind the first.\n")
        self.assert_one('"behind"')

    def test_a_folder_with_known_words_may_not_get_more(self):
        self.write("tests/house/larger.txt", "words 1 framework\n")
        self.write("framework/a.cpp", "int x;  // whoever calls\n")
        self.assertEqual(self.violations(), [])
        self.write("framework/b.cpp", "int y;  // somebody else\n")
        self.assertIn("words framework: 2, at most 1", self.violations())
        self.write("framework/a.cpp", "int x;\n")
        self.write("framework/b.cpp", "int y;\n")
        self.assert_one("words framework are gone: take the line out")

    def test_what_is_unfinished_fails(self):
        self.write("apps/a.cpp", "int x;  // TODO: y\n")
        self.assert_one("apps/a.cpp:1: TODO")


if __name__ == "__main__":
    unittest.main()
