#include <fcntl.h>
#include <mqueue.h>
#include <sched.h>

#include <string>

#include "netns-helper/container/operations/operation.h"
#include "shared/base/result.h"
#include "tests/unit/container_root_support.h"
#include "tests/unit/container_support.h"

namespace wg4::container {
namespace {

TEST_CASE("the queues of the own IPC namespace are seen") {
  look_around({Mqueue{.target = "/queues"}}, no_sources, [](Findings& findings, const HostFolder&) {
    const mqd_t queue = mq_open("/of-a-test", O_CREAT | O_RDWR, 0600, nullptr);
    findings.expect(queue >= 0, "no queue can be made");
    findings.expect(exists("/queues/of-a-test"), "it is not seen");
    mq_close(queue);
  });
}

TEST_CASE("without an own IPC namespace the error says so") {
  try_out({.root = {.operations = {Mqueue{}}},
           .inspect =
               [](Findings& findings, const Result<void>& entered, const HostFolder&) {
                 if (entered) return findings.expect(false, "it is mounted");
                 const std::string said = entered.error().message();
                 findings.expect(
                     said.contains("/dev/mqueue: Operation not permitted") && said.contains("IPC namespace"), said);
               },
           .namespaces = 0});
}

}  // namespace
}  // namespace wg4::container
