#pragma once

/// The tables in which rooms are kept, and how older ones become these.
///
///     rooms     one row a room: where its log stands
///     messages  by room and sequence: what a record's body was, and when it was appended (milliseconds since 1970)
///     ids       by room and sequence: the ids in the deduplication window
///
/// Why        a file outlives the program that wrote it: it says whose it is and which version of the tables it has.
/// Threads    one at a time.
/// Errors     statuses whose words name the file's fault; nothing is changed then.

#include <span>

#include <switchboard/rooms/sqlite/database.hpp>

namespace switchboard::rooms::sqlite {

/// "SWBD": what SQLite's header has for the application.
inline constexpr int application_id = 0x53574244;

/// Step N makes version N out of N - 1; version 0 is an empty file.
std::span<const char* const> schema_steps() noexcept;

/// Refuses the database of another application; an empty one may become this one's.
rpc::status refuse_foreign(database& rooms);
/// Takes the database to the last of `steps`, all or none.
rpc::status migrate(database& rooms, std::span<const char* const> steps = schema_steps());
/// Whether it is of this application and has the tables of `steps`.
rpc::status recognise(database& rooms, std::span<const char* const> steps = schema_steps());

}  // namespace switchboard::rooms::sqlite
