// Command buffers hold work as functions; a queue's thread runs them in order.
#pragma once
#include <Metal/Metal.hpp>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "objects.hpp"

namespace software_metal {

/** What a queue shares with its thread, which may outlive it. */
struct Backlog {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<NS::SharedPtr<MTL::CommandBuffer>> buffers;
  bool is_closed = false;
  int uncompleted = 0;
};

struct Queue : MTL::CommandQueue {
  std::shared_ptr<Backlog> backlog = std::make_shared<Backlog>();
  int max_buffers;
  std::string label_text;
  std::vector<NS::SharedPtr<MTL::ResidencySet>> residency_sets;

  explicit Queue(int max_buffers);
  ~Queue() override;

 private:
  std::thread thread_;
};

struct CommandBuffer : MTL::CommandBuffer {
  NS::SharedPtr<Queue> queue;
  bool retains = true;
  std::string label_text;
  std::vector<std::function<void()>> work;
  std::vector<NS::SharedPtr<NS::Object>> held;
  std::vector<MTL::HandlerFunction> scheduled_handlers, completed_handlers;
  MTL::CommandEncoder* open_encoder = nullptr;
  std::vector<std::shared_ptr<struct Pass>> passes;
  std::string problems;
  MTL::CommandBufferError error_code = MTL::CommandBufferErrorNone;
  double start_time = 0, end_time = 0;

  MTL::CommandBufferStatus current_status();
  void set_status(MTL::CommandBufferStatus status);
  void wait_for(MTL::CommandBufferStatus status);
  /** Keeps the object until the work is done, unless the buffer was made not to. */
  void hold(const NS::Object* object);
  void add_work(std::function<void()> function) { work.push_back(std::move(function)); }
  void run();

 private:
  void execute();

  std::mutex mutex_;
  std::condition_variable changed_;
  MTL::CommandBufferStatus status_ = MTL::CommandBufferStatusNotEnqueued;
};

/** Of both kinds of encoders. */
struct Encoder {
  CommandBuffer* command_buffer = nullptr;
  bool has_ended = false;
  std::string label_text;
};

}  // namespace software_metal
