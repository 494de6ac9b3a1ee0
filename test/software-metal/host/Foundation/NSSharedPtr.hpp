// metal-cpp's smart pointer over retain and release.
#pragma once
#include <cstddef>
#include <type_traits>

namespace NS {

template <class T>
class SharedPtr {
 public:
  SharedPtr() noexcept = default;
  SharedPtr(std::nullptr_t) noexcept {}
  SharedPtr(const SharedPtr& other) noexcept : object_(other.object_) { retain(); }
  template <class U, class = std::enable_if_t<std::is_convertible_v<U*, T*>>>
  SharedPtr(const SharedPtr<U>& other) noexcept : object_(other.get()) {
    retain();
  }
  SharedPtr(SharedPtr&& other) noexcept : object_(other.object_) { other.object_ = nullptr; }
  template <class U, class = std::enable_if_t<std::is_convertible_v<U*, T*>>>
  SharedPtr(SharedPtr<U>&& other) noexcept : object_(other.get()) {
    other.detach();
  }
  ~SharedPtr() { reset(); }

  SharedPtr& operator=(const SharedPtr& other) {
    SharedPtr copy(other);
    swap(copy);
    return *this;
  }
  SharedPtr& operator=(SharedPtr&& other) {
    SharedPtr taken(static_cast<SharedPtr&&>(other));
    swap(taken);
    return *this;
  }

  T* get() const { return object_; }
  T* operator->() const { return object_; }
  explicit operator bool() const { return object_ != nullptr; }
  void reset() {
    if (object_) object_->release();
    object_ = nullptr;
  }
  void detach() { object_ = nullptr; }

 private:
  template <class U>
  friend SharedPtr<U> RetainPtr(U*);
  template <class U>
  friend SharedPtr<U> TransferPtr(U*);

  void retain() {
    if (object_) object_->retain();
  }
  void swap(SharedPtr& other) {
    T* object = object_;
    object_ = other.object_;
    other.object_ = object;
  }

  T* object_ = nullptr;
};

template <class T>
SharedPtr<T> RetainPtr(T* object) {
  SharedPtr<T> pointer;
  pointer.object_ = object;
  pointer.retain();
  return pointer;
}

template <class T>
SharedPtr<T> TransferPtr(T* object) {
  SharedPtr<T> pointer;
  pointer.object_ = object;
  return pointer;
}

template <class T, class U>
bool operator==(const SharedPtr<T>& a, const SharedPtr<U>& b) {
  return a.get() == b.get();
}

}  // namespace NS
