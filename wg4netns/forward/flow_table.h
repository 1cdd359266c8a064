#pragma once
// The clients of published UDP ports. UDP has no end of a connection, so a flow ends when it has been idle for long, or
// when a slot is needed and it has been idle longest.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <unordered_map>
#include <utility>

#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"
#include "wg4netns/forward/rule.h"
#include "wg4netns/forward/slots.h"

namespace wg4::forward {

struct FlowKey {
  RuleId rule = 0;
  Endpoint client;
  IpAddress local;  ///< the host's address that the client sends to, from which replies must come

  friend bool operator==(const FlowKey&, const FlowKey&) = default;
};

struct FlowKeyHash {
  std::size_t operator()(const FlowKey& key) const {
    std::size_t hash = key.rule;
    const auto mix = [&hash](std::size_t value) { hash = (hash ^ value) * 0x9e3779b97f4a7c15U; };
    for (const std::uint8_t byte : key.client.address.bytes()) mix(byte);
    for (const std::uint8_t byte : key.local.bytes()) mix(byte);
    mix(key.client.port);
    mix(key.client.scope);
    return hash;
  }
};

/// `T` is the owner's data of a flow. Pure: time is a parameter.
template <class T>
class FlowTable {
 public:
  using Time = std::chrono::nanoseconds;
  using Order = std::list<std::uint32_t>;

  struct Flow {
    FlowKey key;
    T value;
    Time last_used{};
    Order::iterator place{};
  };

  [[nodiscard]] std::optional<std::uint32_t> find(const FlowKey& key) const {
    const auto found = index_.find(key);
    return found == index_.end() ? std::nullopt : std::optional(found->second);
  }
  /// nullptr if the flow is gone.
  [[nodiscard]] Flow* at(std::uint32_t number) { return flows_.find(number); }
  /// A flow that exists.
  [[nodiscard]] Flow& operator[](std::uint32_t number) { return flows_[number]; }
  [[nodiscard]] const Flow& operator[](std::uint32_t number) const { return flows_[number]; }
  std::uint32_t add(const FlowKey& key, T value, Time now) {
    const std::uint32_t number = flows_.put({key, std::move(value), now, {}});
    flows_[number].place = order_.insert(order_.end(), number);
    index_.emplace(key, number);
    return number;
  }
  void touch(Flow& flow, Time now) {
    flow.last_used = now;
    order_.splice(order_.end(), order_, flow.place);
  }
  void remove(std::uint32_t number) {
    Flow* flow = flows_.find(number);
    if (flow == nullptr) return;
    order_.erase(flow->place);
    index_.erase(flow->key);
    flows_.drop(number);
  }
  /// The flow that has been idle longest.
  [[nodiscard]] std::optional<std::uint32_t> oldest() const {
    return order_.empty() ? std::nullopt : std::optional(order_.front());
  }
  /// The longest idle first.
  [[nodiscard]] const Order& order() const { return order_; }
  [[nodiscard]] std::size_t size() const { return flows_.size(); }
  void recycle() { flows_.recycle(); }

 private:
  Slots<Flow> flows_;
  std::unordered_map<FlowKey, std::uint32_t, FlowKeyHash> index_;
  Order order_;
};

}  // namespace wg4::forward
