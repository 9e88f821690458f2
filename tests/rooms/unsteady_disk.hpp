#pragma once

/// A disk under SQLite whose syncs hang or fail when a test says so; all else goes to the system's.
///
/// Why        what is acknowledged hangs on syncs alone, and a good disk never shows it.
/// Threads    any. One at a time, and it must outlive all databases that were opened meanwhile.

#include <condition_variable>
#include <map>
#include <mutex>

#include <sqlite3.h>

namespace switchboard::rooms {

class unsteady_disk {
public:
  unsteady_disk() : below_(sqlite3_vfs_find(nullptr)), vfs_(*below_) {
    the_one_ = this;
    vfs_.zName = "unsteady";
    vfs_.xOpen = open;
    sqlite3_vfs_register(&vfs_, 1);
  }
  ~unsteady_disk() { sqlite3_vfs_unregister(&vfs_); }
  unsteady_disk(const unsteady_disk&) = delete;
  unsteady_disk& operator=(const unsteady_disk&) = delete;

  void hold_syncs() { become(state::holding); }
  void fail_syncs() { become(state::failing); }
  void recover() { become(state::good); }
  bool holds_one() const {
    const std::lock_guard lock{mutex_};
    return held_ > 0;
  }

private:
  enum class state : unsigned char { good, holding, failing };

  void become(state next) {
    const std::lock_guard lock{mutex_};
    state_ = next;
    changed_.notify_all();
  }

  static int open(sqlite3_vfs*, sqlite3_filename name, sqlite3_file* file, int flags, int* flags_out) {
    const int code = the_one_->below_->xOpen(the_one_->below_, name, file, flags, flags_out);
    if (!file->pMethods) return code;
    // The file stays what it is below; its methods, of which there are as many sets as kinds of files, are the same but
    // for one, which all have in common.
    const std::lock_guard lock{the_one_->mutex_};
    the_one_->sync_below_ = file->pMethods->xSync;
    auto& methods = the_one_->methods_.try_emplace(file->pMethods, *file->pMethods).first->second;
    methods.xSync = sync;
    file->pMethods = &methods;
    return code;
  }

  static int sync(sqlite3_file* file, int flags) {
    auto& disk = *the_one_;
    decltype(disk.sync_below_) sync_below = nullptr;
    {
      std::unique_lock lock{disk.mutex_};
      ++disk.held_;
      disk.changed_.wait(lock, [&] { return disk.state_ != state::holding; });
      --disk.held_;
      if (disk.state_ == state::failing) return SQLITE_IOERR_FSYNC;
      sync_below = disk.sync_below_;
    }
    return sync_below(file, flags);
  }

  inline static unsteady_disk* the_one_ = nullptr;

  sqlite3_vfs* const below_;
  sqlite3_vfs vfs_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  state state_ = state::good;
  int held_ = 0;
  int (*sync_below_)(sqlite3_file*, int) = nullptr;
  std::map<const sqlite3_io_methods*, sqlite3_io_methods> methods_;
};

}  // namespace switchboard::rooms
