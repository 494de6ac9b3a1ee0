// Values that take long to make, by key: the first to ask makes one, others who ask meanwhile wait for it.
#pragma once
#include <future>
#include <map>
#include <memory>
#include <mutex>

namespace wavetile {

template <class Key, class Value>
class OnceMap {
 public:
  // What `make` throws goes to everyone who waits; the next one may try again.
  template <class Make>
  std::shared_ptr<Value> get(const Key& key, Make make) {
    std::promise<std::shared_ptr<Value>> promise;
    {
      std::unique_lock lock(mutex_);
      if (const auto found = values_.find(key); found != values_.end()) {
        const auto value = found->second;
        lock.unlock();
        return value.get();
      }
      values_.emplace(key, promise.get_future().share());
    }
    try {
      std::shared_ptr<Value> value = make();
      promise.set_value(value);
      return value;
    } catch (...) {
      promise.set_exception(std::current_exception());
      const std::lock_guard lock(mutex_);
      values_.erase(key);
      throw;
    }
  }

 private:
  std::mutex mutex_;
  std::map<Key, std::shared_future<std::shared_ptr<Value>>> values_;
};

}  // namespace wavetile
