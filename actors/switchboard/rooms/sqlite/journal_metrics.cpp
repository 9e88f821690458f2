#include <utility>

#include <switchboard/rooms/sqlite/journal_metrics.hpp>

namespace switchboard::rooms::sqlite {

journal_metrics::journal_metrics(std::shared_ptr<metrics::registry> in) : registry(std::move(in)) {
  if (!registry) return;
  commits = registry->new_counter("switchboard_journal_commits_total", "Transactions that were committed.");
  failures =
      registry->new_counter("switchboard_journal_failures_total", "Transactions that failed and were rolled back.");
  commit_duration = registry->new_histogram("switchboard_journal_commit_duration_seconds",
                                            "How long a commit took, the sync of the disk included.", metrics::latency);
  batch_messages = registry->new_histogram("switchboard_journal_batch_messages",
                                           "Messages in one transaction, duplicates included.", metrics::batch);
  queued_messages = registry->new_gauge("switchboard_journal_queued_messages", "Messages that wait for a transaction.");
}

}  // namespace switchboard::rooms::sqlite
