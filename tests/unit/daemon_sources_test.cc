// What is in the loop beside the packets: when each source gets its turn, and what the loop does after it.

#include <doctest/doctest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/log.h"
#include "shared/sys/netns_watch.h"
#include "shared/sys/sandbox_mode.h"
#include "shared/sys/service_manager.h"
#include "shared/sys/wake_up.h"
#include "wg4netns/core/time.h"
#include "wg4netns/core/timers.h"
#include "wg4netns/daemon/attach_options.h"
#include "wg4netns/daemon/caller.h"
#include "wg4netns/daemon/event_source.h"
#include "wg4netns/daemon/reloader.h"
#include "wg4netns/daemon/source_table.h"
#include "wg4netns/daemon/target_end.h"
#include "wg4netns/dataplane/loop.h"

namespace wg4 {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr int patience_ms = 30'000;

/// Readable whenever the test says so, with a deadline that the test sets.
class FakeSource final : public EventSource {
 public:
  [[nodiscard]] int fd() const override { return has_fd ? event.fd() : -1; }
  [[nodiscard]] std::optional<Instant> next_deadline() const override { return deadline; }
  [[nodiscard]] Result<AfterTurn> turn(Now) override {
    ++turns;
    return fails ? Result<AfterTurn>(fail("it failed")) : after;
  }

  WakeUp event = WakeUp::create().value();
  bool has_fd = true;
  bool fails = false;
  std::optional<Instant> deadline;
  AfterTurn after = AfterTurn::go_on;
  int turns = 0;
};

/// Two sources in a loop.
struct Bench {
  Bench() {
    auto a = std::make_unique<FakeSource>();
    auto b = std::make_unique<FakeSource>();
    one = a.get();
    two = b.get();
    sources.add(std::move(a));
    sources.add(std::move(b));
  }
  /// Gives the turns that what is ready asks for. The last one's outcome.
  Result<bool> dispatch() {
    bool goes_on = true;
    for (const Loop::Event& event : loop.wait(0)) {
      REQUIRE(event.source == Source::event_source);
      goes_on = TRY(sources.turn(loop, event.number, now));
    }
    return goes_on;
  }

  Loop loop = Loop::create().value();
  SourceTable sources;
  FakeSource* one;
  FakeSource* two;
  Now now{Instant(100s), {}};
};

TEST_CASE("a source gets a turn when its descriptor is ready, and no other does") {
  Bench bench;
  REQUIRE(bench.sources.watch(bench.loop));
  CHECK(bench.dispatch() == true);
  CHECK(bench.one->turns + bench.two->turns == 0);
  bench.two->event.wake();
  CHECK(bench.dispatch() == true);
  CHECK(bench.one->turns == 0);
  CHECK(bench.two->turns == 1);
}

TEST_CASE("a source without a descriptor is not watched") {
  Bench bench;
  bench.one->has_fd = false;
  REQUIRE(bench.sources.watch(bench.loop));
  bench.one->event.wake();
  bench.two->event.wake();
  CHECK(bench.dispatch() == true);
  CHECK(bench.one->turns == 0);
  CHECK(bench.two->turns == 1);
}

TEST_CASE("a source that has nothing more to say is watched no more, and keeps its deadlines") {
  Bench bench;
  REQUIRE(bench.sources.watch(bench.loop));
  bench.one->after = AfterTurn::unwatch;
  bench.one->event.wake();
  CHECK(bench.dispatch() == true);
  CHECK(bench.dispatch() == true);
  CHECK(bench.one->turns == 1);
  bench.one->deadline = bench.now.boot;
  CHECK(bench.sources.expire(bench.loop, bench.now) == true);
  CHECK(bench.one->turns == 2);
}

TEST_CASE("a source can end the tunnel, as it should or with a failure") {
  Bench bench;
  REQUIRE(bench.sources.watch(bench.loop));
  bench.two->event.wake();
  bench.two->after = AfterTurn::end;
  CHECK(bench.dispatch() == false);
  bench.two->deadline = bench.now.boot;
  CHECK(bench.sources.expire(bench.loop, bench.now) == false);
  bench.two->fails = true;
  CHECK(bench.dispatch().error().message() == "it failed");
}

TEST_CASE("deadlines: the first of all is told, and whose has come gets a turn") {
  Bench bench;
  CHECK(bench.sources.next_deadline() == never);
  bench.one->deadline = bench.now.boot + 1ns;
  bench.two->deadline = bench.now.boot;
  CHECK(bench.sources.next_deadline() == bench.now.boot);
  CHECK(bench.sources.expire(bench.loop, bench.now) == true);
  CHECK(bench.one->turns == 0);
  CHECK(bench.two->turns == 1);
}

// ---------------------------------------------------------------- the caller's

bool is_ready(int fd, int timeout_ms = 0) {
  pollfd entry{fd, POLLIN, 0};
  return poll(&entry, 1, timeout_ms) > 0;
}

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    REQUIRE(pipe(ends.data()) == 0);
    reading = UniqueFd(ends[0]);
    writing = UniqueFd(ends[1]);
  }
  UniqueFd reading;
  UniqueFd writing;
};

TEST_CASE("--exit-fd ends the tunnel when the caller has closed its end, whatever it wrote before") {
  Pipe pipe;
  TunnelOptions options;
  options.exit_fd = pipe.reading.release();
  const Caller caller = Caller::adopt(options, false).value();
  SourceTable sources;
  sources.add(std::make_unique<ExitSource>(caller));
  Loop loop = Loop::create().value();
  REQUIRE(sources.watch(loop));
  REQUIRE(write(pipe.writing.get(), "x", 1) == 1);
  CHECK(loop.wait(0).empty());
  pipe.writing.reset();
  const auto events = loop.wait(patience_ms);
  REQUIRE(events.size() == 1);
  CHECK(sources.turn(loop, events[0].number, {}) == false);
}

TEST_CASE("--ready-fd hears once that the tunnel serves; one that only reads is refused") {
  Pipe pipe;
  TunnelOptions options;
  options.ready_fd = pipe.writing.release();
  Caller caller = Caller::adopt(options, false).value();
  CHECK_FALSE(is_ready(pipe.reading.get()));
  REQUIRE(caller.tell_ready("a line").has_value());
  std::array<char, 8> text{};
  CHECK(read(pipe.reading.get(), text.data(), text.size()) == 1);
  CHECK(text[0] == '1');
  CHECK(read(pipe.reading.get(), text.data(), text.size()) == 0);  // it is closed

  const Pipe other;
  options.ready_fd = other.reading.get();
  const auto refused = Caller::adopt(options, false);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message() == "--ready-fd " + std::to_string(other.reading.get()) +
                                         " cannot be written to. Give the writing end of the pipe");
}

TEST_CASE("a signal ends the tunnel; SIGHUP does not where somebody can reload") {
  Caller caller = Caller::adopt({}, false).value();
  SignalSource without(caller, nullptr);
  CHECK(without.turn({}).value() == AfterTurn::go_on);  // nothing has come
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
    REQUIRE(raise(signal) == 0);
    REQUIRE(is_ready(without.fd()));
    CHECK(without.turn({}).value() == AfterTurn::end);
  }

  log::set_level(log::Level::silent);
  const Reloader reloader = Reloader::create("/nonexistent/tunnel.conf", SandboxMode::off).value();
  REQUIRE(reloader.settle(std::nullopt).has_value());
  SignalSource with(caller, &reloader);
  REQUIRE(raise(SIGHUP) == 0);
  CHECK(with.turn({}).value() == AfterTurn::go_on);
  // It was told of no tunnel: an order makes it end, which is the last that is heard of it.
  ReloadEndSource ends(reloader, caller.manager);
  REQUIRE(is_ready(ends.fd(), patience_ms));
  CHECK(ends.turn({}).value() == AfterTurn::unwatch);
  REQUIRE(raise(SIGTERM) == 0);
  CHECK(with.turn({}).value() == AfterTurn::end);
}

TEST_CASE("without a service manager there is no heartbeat") {
  ServiceManager nobody;
  CHECK_FALSE(HeartbeatSource(nobody).next_deadline().has_value());
}

TEST_CASE("a name that stands for the namespace ends the tunnel when it goes, and another name does not") {
  std::string folder = fs::temp_directory_path() / "sources.XXXXXX";
  REQUIRE(mkdtemp(folder.data()) != nullptr);
  std::ofstream(folder + "/mine") << "";
  std::ofstream(folder + "/other") << "";
  NetnsWatch watch = NetnsWatch::create(UniqueFd(), folder + "/mine").value();
  REQUIRE(watch.fds().size() == 1);
  GivenUpSource source(watch, watch.fds().front());
  fs::remove(folder + "/other");
  REQUIRE(is_ready(source.fd()));
  CHECK(source.turn({}).value() == AfterTurn::go_on);
  fs::remove(folder + "/mine");
  REQUIRE(is_ready(source.fd()));
  CHECK(source.turn({}).value() == AfterTurn::end);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace wg4
