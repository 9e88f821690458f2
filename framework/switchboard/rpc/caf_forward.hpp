#pragma once

/// CAF's names that a service's headers mention, declared and not defined.
///
/// Why        CAF's headers are 3 s to read. A service, and a main with one, mention actors and are compiled without
///            them; sources that send messages, spawn, or hold an actor's handle include CAF's own.
/// Threads    declarations only.
/// Release    0.17.6, whose caf/fwd.hpp and caf/replies_to.hpp say the same: where another says otherwise, sources that
///            include both do not compile.

namespace caf {

class actor_control_block;
class actor_system;
class execution_unit;
class local_actor;
class message_handler;
template <class>
class intrusive_ptr;
using strong_actor_ptr = intrusive_ptr<actor_control_block>;

/// An actor that takes certain messages, and how the signature of one is written: what replies_to and reacts_to stand for.
template <class...>
class typed_actor;
template <class...>
struct output_tuple;
template <class Input, class Output>
struct typed_mpi;
namespace detail {
template <class...>
struct type_list;
}

/// Whether a type may be a message's element without being serializable.
template <class T>
struct allowed_unsafe_message_type;

}  // namespace caf
