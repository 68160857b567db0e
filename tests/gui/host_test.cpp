// ImGui in a QWidget, drawn on another thread: every trap that the platform layer is there for.
#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QDockWidget>
#include <QInputMethodEvent>
#include <QListWidget>
#include <QMainWindow>
#include <QTest>
#include <QVBoxLayout>
#include <atomic>
#include <functional>
#include <latch>
#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>
#include <imgui.h>

#include "chart.h"
#include "commands.h"
#include "fonts.h"
#include "gl/gl.h"
#include "imgui_widget.h"
#include "render_thread.h"
#include "theme.h"
#include "widgets.h"

namespace looktwice::gui {
namespace {

class Drawing : public Underlay {
 public:
  explicit Drawing(std::function<void()> run) : run_(std::move(run)) {}
  void draw(const RenderTarget&) const override { run_(); }

 private:
  std::function<void()> run_;
};

class Panel : public ImGuiWidget {
 public:
  explicit Panel(QWidget* parent = nullptr) : ImGuiWidget(parent) { resize(320, 200); }

  int clicks = 0, double_clicks = 0, frames = 0;
  char text[128] = "", second[128] = "";
  double value = 1;
  bool left_down = false, hovering = false;
  UnderlayPtr under;
  float font_size = 0;
  double held_at = 0;
  QPointF button, field, field2, track;

 protected:
  UnderlayPtr underlay(QSize) override { return under; }
  void ui() override {
    ++frames;
    begin_panel("panel");
    font_size = ImGui::GetFontSize();
    if (ImGui::Button("Press", ImVec2(100, 30))) ++clicks;
    if (ImGui::IsItemHovered() && ImGui::IsMouseDoubleClicked(0)) ++double_clicks;
    button = center();
    ImGui::InputText("##first", text, sizeof text);
    field = center();
    ImGui::InputText("##second", second, sizeof second);
    field2 = center();
    ImGui::InvisibleButton("track", ImVec2(200, 20));
    if (ImGui::IsItemActive()) held_at = double(ImGui::GetIO().MousePos.x);
    track = center();
    left_down = ImGui::IsKeyDown(ImGui::GetKeyIndex(ImGuiKey_LeftArrow));
    hovering = ImGui::IsWindowHovered(ImGuiHoveredFlags_AllowWhenBlockedByActiveItem);
    ImGui::End();
  }

 private:
  static QPointF center() {
    const ImVec2 a = ImGui::GetItemRectMin(), b = ImGui::GetItemRectMax();
    return {double(a.x + b.x) / 2, double(a.y + b.y) / 2};
  }
};

/// Lets the widget draw until nothing is pending.
void settle(Panel& panel) {
  panel.refresh();
  QCoreApplication::processEvents();
  EXPECT_TRUE(QTest::qWaitFor([&] { return panel.settled(); }, 60'000));
  QCoreApplication::processEvents();
}

QImage shot(Panel& panel) {
  return panel.grab().toImage();
}

void mouse(Panel& panel, QEvent::Type type, QPointF at, Qt::MouseButton button = Qt::LeftButton) {
  const bool down = type == QEvent::MouseButtonPress || type == QEvent::MouseButtonDblClick;
  QMouseEvent event(type, at, panel.mapToGlobal(at),
                    type == QEvent::MouseMove ? Qt::NoButton : button,
                    down ? Qt::MouseButtons(button) : Qt::NoButton, Qt::NoModifier);
  QCoreApplication::sendEvent(&panel, &event);
}

void click(Panel& panel, QPointF at) {
  mouse(panel, QEvent::MouseButtonPress, at);
  mouse(panel, QEvent::MouseButtonRelease, at);
}

class Host : public testing::Test {
 protected:
  void SetUp() override {
    window.resize(640, 480);
    panel = new Panel;
    window.setCentralWidget(panel);
    window.show();
    ASSERT_TRUE(QTest::qWaitForWindowExposed(&window));
    window.activateWindow();
    panel->setFocus();
    settle(*panel);
    ASSERT_GT(panel->pictures(), 0);
  }
  QMainWindow window;
  Panel* panel = nullptr;
};

TEST_F(Host, TenClicksBetweenTwoPaintsAreTenClicks) {
  for (int i = 0; i < 10; ++i)
    click(*panel, panel->button);
  settle(*panel);
  EXPECT_EQ(panel->clicks, 10);
}

TEST_F(Host, TheSecondPressOfADoubleClickCounts) {
  mouse(*panel, QEvent::MouseButtonPress, panel->button);
  mouse(*panel, QEvent::MouseButtonRelease, panel->button);
  mouse(*panel, QEvent::MouseButtonDblClick, panel->button);
  mouse(*panel, QEvent::MouseButtonRelease, panel->button);
  settle(*panel);
  EXPECT_EQ(panel->clicks, 2);
  EXPECT_EQ(panel->double_clicks, 1);
}

TEST_F(Host, ADragKeepsGoingOutsideTheWidget) {
  mouse(*panel, QEvent::MouseButtonPress, panel->button);
  settle(*panel);
  mouse(*panel, QEvent::MouseMove, QPointF(-50, -50));
  settle(*panel);
  mouse(*panel, QEvent::MouseButtonRelease, QPointF(-50, -50));
  settle(*panel);
  EXPECT_EQ(panel->clicks, 0);  // released elsewhere
}

TEST_F(Host, ADragEndsWhereItWasLetGo) {
  // Press, a far move and the release all between two paints.
  mouse(*panel, QEvent::MouseButtonPress, panel->track + QPointF(-40, 0));
  settle(*panel);
  mouse(*panel, QEvent::MouseMove, panel->track + QPointF(10, 0));
  mouse(*panel, QEvent::MouseMove, panel->track + QPointF(60, 0));
  mouse(*panel, QEvent::MouseButtonRelease, panel->track + QPointF(60, 0));
  settle(*panel);
  EXPECT_NEAR(panel->held_at, panel->track.x() + 60, 0.5);
}

TEST_F(Host, SpaceTypesAndFiresNoShortcutWhileAFieldIsEdited) {
  CommandRegistry commands(&window);
  int fired = 0;
  commands.add({"play", "Playback", "Play", "", {QKeySequence("Space")}, [&] { ++fired; }});
  QTest::keyClick(panel, Qt::Key_Space);
  EXPECT_EQ(fired, 1);
  click(*panel, panel->field);
  settle(*panel);
  for (const char c : std::string("a b"))
    QTest::keyClick(panel, c);
  settle(*panel);
  EXPECT_STREQ(panel->text, "a b");
  EXPECT_EQ(fired, 1);
}

TEST_F(Host, TabGoesToTheNextFieldWhileOneIsEdited) {
  click(*panel, panel->field);
  settle(*panel);
  QTest::keyClick(panel, Qt::Key_Tab);
  settle(*panel);
  QTest::keyClick(panel, 'x');
  settle(*panel);
  EXPECT_STREQ(panel->text, "");
  EXPECT_STREQ(panel->second, "x");
  EXPECT_TRUE(panel->hasFocus());
}

TEST_F(Host, BackspaceAndArrowsEdit) {
  click(*panel, panel->field);
  settle(*panel);
  for (const char c : std::string("abc"))
    QTest::keyClick(panel, c);
  QTest::keyClick(panel, Qt::Key_Left);
  QTest::keyClick(panel, Qt::Key_Backspace);
  settle(*panel);
  EXPECT_STREQ(panel->text, "ac");
}

TEST_F(Host, InputMethodsCommitWholeWords) {
  EXPECT_FALSE(panel->testAttribute(Qt::WA_InputMethodEnabled));
  click(*panel, panel->field);
  settle(*panel);
  EXPECT_TRUE(panel->testAttribute(Qt::WA_InputMethodEnabled));
  QInputMethodEvent event;
  event.setCommitString(QString::fromUtf8("τΔ→日本"));
  QCoreApplication::sendEvent(panel, &event);
  settle(*panel);
  EXPECT_STREQ(panel->text, "τΔ→日本");
  QInputMethodQueryEvent query(Qt::ImCursorRectangle | Qt::ImEnabled);
  QCoreApplication::sendEvent(panel, &query);
  EXPECT_TRUE(query.value(Qt::ImEnabled).toBool());
  const QRectF where = query.value(Qt::ImCursorRectangle).toRectF();
  EXPECT_NEAR(where.y(), panel->field.y(), 20);
}

TEST_F(Host, CopyAndPasteUseTheSystemClipboard) {
  click(*panel, panel->field);
  settle(*panel);
  for (const char c : std::string("copy"))
    QTest::keyClick(panel, c);
  settle(*panel);
  QTest::keyClick(panel, Qt::Key_A, Qt::ControlModifier);
  settle(*panel);
  QTest::keyClick(panel, Qt::Key_C, Qt::ControlModifier);
  settle(*panel);
  EXPECT_EQ(QGuiApplication::clipboard()->text(), "copy");
  QGuiApplication::clipboard()->setText(QString::fromUtf8("τ"));
  click(*panel, panel->field2);
  settle(*panel);
  QTest::keyClick(panel, Qt::Key_V, Qt::ControlModifier);
  settle(*panel);
  EXPECT_STREQ(panel->second, "τ");
}

TEST_F(Host, KeysAreReleasedWhenTheFocusLeaves) {
  QTest::keyPress(panel, Qt::Key_Left);
  settle(*panel);
  EXPECT_TRUE(panel->left_down);
  QFocusEvent out(QEvent::FocusOut);
  QCoreApplication::sendEvent(panel, &out);
  settle(*panel);
  EXPECT_FALSE(panel->left_down);
}

TEST_F(Host, NothingIsHoveredAfterTheMouseLeft) {
  mouse(*panel, QEvent::MouseMove, QPointF(100, 150), Qt::NoButton);
  settle(*panel);
  EXPECT_TRUE(panel->hovering);
  QEvent leave(QEvent::Leave);
  QCoreApplication::sendEvent(panel, &leave);
  settle(*panel);
  EXPECT_FALSE(panel->hovering);
}

int distinct_colours(const QImage& image) {
  QSet<QRgb> colours;
  for (int y = 0; y < image.height(); y += 2) {
    for (int x = 0; x < image.width(); x += 2)
      colours.insert(image.pixel(x, y));
  }
  return int(colours.size());
}

TEST_F(Host, TheInterfaceShowsWhateverStateTheSceneLeaves) {
  const int before = distinct_colours(shot(*panel));
  EXPECT_GT(before, 4);
  panel->under = std::make_shared<Drawing>([] {
    glColorMask(GL_FALSE, GL_FALSE, GL_FALSE, GL_FALSE);
    glEnable(GL_DEPTH_TEST);
    glEnable(GL_CULL_FACE);
    glEnable(GL_SCISSOR_TEST);
    glBindFramebuffer(GL_FRAMEBUFFER, 0);
  });
  settle(*panel);
  EXPECT_NEAR(distinct_colours(shot(*panel)), before, 2);
}

TEST_F(Host, TheUiThreadNeverWaitsForADrawing) {
  std::latch go(1);
  std::atomic<int> drawn = 0;
  std::atomic<bool> began = false;
  panel->under = std::make_shared<Drawing>([&] {
    began = true;
    go.wait();
    ++drawn;
  });
  panel->refresh();
  ASSERT_TRUE(QTest::qWaitFor([&] { return began.load(); }, 60'000));
  const int64_t before = panel->pictures();
  // The driver hangs: clicks are heard all the same, and the old picture stays.
  for (int i = 0; i < 10; ++i)
    click(*panel, panel->button);
  EXPECT_TRUE(QTest::qWaitFor([&] { return panel->clicks == 10; }, 60'000));
  EXPECT_EQ(panel->pictures(), before);
  EXPECT_FALSE(panel->settled());
  EXPECT_GT(distinct_colours(shot(*panel)), 4);
  go.count_down();
  settle(*panel);
  // What newer frames replaced while they waited was never drawn.
  EXPECT_LE(drawn, 2);
  EXPECT_LE(panel->pictures(), before + 2);
}

TEST_F(Host, AWidgetMayGoWhileItIsDrawn) {
  struct Innards {
    std::function<void()> gone;
    explicit Innards(std::function<void()> f) : gone(std::move(f)) {}
    ~Innards() { gone(); }
  };
  std::latch go(1);
  std::atomic<bool> began = false, destroyed = false;
  std::thread::id drawn_on, destroyed_on;
  auto* other = new Panel;
  auto* dock = new QDockWidget("Other", &window);
  dock->setWidget(other);
  window.addDockWidget(Qt::RightDockWidgetArea, dock);
  settle(*other);
  auto innards = made_for_rendering<Innards>([&] {
    destroyed_on = std::this_thread::get_id();
    destroyed = true;
  });
  other->under = std::make_shared<Drawing>([&, innards = std::move(innards)] {
    drawn_on = std::this_thread::get_id();
    began = true;
    go.wait();
  });
  other->refresh();
  ASSERT_TRUE(QTest::qWaitFor([&] { return began.load(); }, 60'000));
  // Another one waits when the widget goes, and is the last to hold what it draws with.
  std::atomic<bool> waiting_destroyed = false;
  other->under = std::make_shared<Drawing>(
      [held = made_for_rendering<Innards>([&] { waiting_destroyed = true; })] {});
  other->refresh();
  QCoreApplication::processEvents();
  delete dock;
  go.count_down();
  ASSERT_TRUE(QTest::qWaitFor([&] { return destroyed && waiting_destroyed; }, 60'000));
  EXPECT_EQ(destroyed_on, drawn_on);
  EXPECT_NE(destroyed_on, std::this_thread::get_id());
  click(*panel, panel->button);
  settle(*panel);
  EXPECT_EQ(panel->clicks, 1);
}

TEST_F(Host, WhatLooksTheSameIsNotDrawnAgain) {
  const int64_t before = panel->pictures();
  const int frames = panel->frames;
  for (int i = 0; i < 5; ++i) {
    mouse(*panel, QEvent::MouseMove, QPointF(250 + i, 150), Qt::NoButton);
    settle(*panel);
  }
  EXPECT_GE(panel->frames, frames + 5);
  EXPECT_EQ(panel->pictures(), before);
}

TEST_F(Host, AFailureBelowTheInterfaceIsSaid) {
  panel->under =
      std::make_shared<Drawing>([] { throw std::runtime_error("a shader does not compile"); });
  settle(*panel);
  EXPECT_EQ(panel->drawing_error(), "a shader does not compile");
  EXPECT_GT(distinct_colours(shot(*panel)), 4);
  panel->under = nullptr;
  settle(*panel);
  EXPECT_EQ(panel->drawing_error(), "");
}

TEST_F(Host, UndockingAndRedockingKeepsDrawing) {
  auto* dock = new QDockWidget("Panel", &window);
  auto* docked = new Panel;
  dock->setWidget(docked);
  window.addDockWidget(Qt::RightDockWidgetArea, dock);
  settle(*docked);
  for (int i = 0; i < 3; ++i) {
    dock->setFloating(true);
    settle(*docked);
    EXPECT_GT(distinct_colours(shot(*docked)), 4) << "floating, round " << i;
    dock->setFloating(false);
    settle(*docked);
    EXPECT_GT(distinct_colours(shot(*docked)), 4) << "docked, round " << i;
  }
  click(*docked, docked->button);
  settle(*docked);
  EXPECT_EQ(docked->clicks, 1);
}

TEST_F(Host, OneWidgetGoesTheOthersStay) {
  for (int i = 0; i < 5; ++i) {
    auto* other = new Panel;
    auto* dock = new QDockWidget("Other", &window);
    dock->setWidget(other);
    window.addDockWidget(Qt::RightDockWidgetArea, dock);
    settle(*other);
    click(*other, other->button);
    settle(*other);
    EXPECT_EQ(other->clicks, 1);
    delete dock;
    click(*panel, panel->button);
    settle(*panel);
    EXPECT_EQ(panel->clicks, i + 1);
  }
  EXPECT_GT(distinct_colours(shot(*panel)), 4);
}

TEST_F(Host, TheScaleChangesWhileItRuns) {
  const float before = panel->font_size;
  set_ui_scale(2);
  settle(*panel);
  EXPECT_NEAR(panel->font_size, 2 * before, 1.0f);
  click(*panel, panel->button);
  settle(*panel);
  EXPECT_EQ(panel->clicks, 1);
  set_ui_scale(1);
  settle(*panel);
  EXPECT_NEAR(panel->font_size, before, 0.5f);
}

TEST_F(Host, AnIdleWidgetDoesNotPaint) {
  settle(*panel);
  const int before = panel->frames;
  QTest::qWait(600);
  EXPECT_LE(panel->frames, before + 4);  // a late event of the window system asks for a few
}

TEST(Fonts, HaveTheSignsThatTheInterfaceUses) {
  ImFontAtlas atlas;
  build_font_atlas(&atlas, 1);
  ASSERT_EQ(atlas.Fonts.Size, 4);
  for (ImFont* font : atlas.Fonts) {
    for (const unsigned sign : {0x3c4u, 0x394u, 0xd7u, 0x2192u, 0x2264u, 0x2013u, 0x2026u}) {
      EXPECT_NE(font->FindGlyphNoFallback(ImWchar(sign)), nullptr) << std::hex << sign;
    }
  }
}

TEST(Chart, TicksAreRoundNumbersWithinTheAxis) {
  Axis axis;
  axis.low = 0;
  axis.high = 100;
  EXPECT_EQ(ticks(axis, 5), (std::vector<double>{0, 20, 40, 60, 80, 100}));
  axis.low = 3.2;
  axis.high = 4.1;
  const std::vector<double> fine = ticks(axis, 4);
  ASSERT_GE(fine.size(), 2u);
  for (const double tick : fine) {
    EXPECT_GE(tick, axis.low - 1e-9);
    EXPECT_LE(tick, axis.high + 1e-9);
  }
  axis.low = 0.001;
  axis.high = 4;
  axis.log = true;
  const std::vector<double> decades = ticks(axis, 4);
  ASSERT_EQ(decades.size(), 4u);
  EXPECT_DOUBLE_EQ(decades.front(), 0.001);
  EXPECT_DOUBLE_EQ(decades.back(), 1);
  axis.low = axis.high = 1;
  EXPECT_TRUE(ticks(axis, 4).empty());
}

TEST(Commands, AFocusedControlKeepsTheKeysThatItNeeds) {
  QMainWindow window;
  CommandRegistry commands(&window);
  int plays = 0, raised = 0;
  commands.add({"a", "A", "Play", "", {QKeySequence("Space")}, [&] { ++plays; }});
  commands.add({"b", "A", "Raise", "", {QKeySequence("Up")}, [&] { ++raised; }});
  auto* list = new QListWidget;
  list->addItems({"one", "two", "three"});
  window.setCentralWidget(list);
  window.show();
  ASSERT_TRUE(QTest::qWaitForWindowExposed(&window));
  window.activateWindow();
  list->setFocus();
  list->setCurrentRow(2);
  ASSERT_TRUE(QTest::qWaitFor([&] { return list->hasFocus(); }, 60'000));
  QTest::keyClick(list, Qt::Key_Up);
  EXPECT_EQ(list->currentRow(), 1);
  EXPECT_EQ(raised, 0);
  QTest::keyClick(list, Qt::Key_Space);
  EXPECT_EQ(plays, 1);  // a list has no use for it
}

TEST(Commands, AKeyBelongsToOneCommand) {
  QWidget window;
  CommandRegistry commands(&window);
  commands.add({"a", "G", "A", "", {QKeySequence("Ctrl+A")}, [] {}});
  EXPECT_THROW(commands.add({"b", "G", "B", "", {QKeySequence("Ctrl+A")}, [] {}}),
               std::logic_error);
  EXPECT_THROW(commands.add({"a", "G", "A", "", {}, [] {}}), std::logic_error);
}

TEST(Commands, ADisabledCommandDoesNotRun) {
  QWidget window;
  CommandRegistry commands(&window);
  int ran = 0;
  bool enabled = false;
  commands.add(
      {"a", "G", "A", "Tip", {QKeySequence("F5")}, [&] { ++ran; }, [&] { return enabled; }});
  EXPECT_FALSE(commands.run("a"));
  enabled = true;
  EXPECT_TRUE(commands.run("a"));
  EXPECT_FALSE(commands.run("nothing"));
  EXPECT_EQ(ran, 1);
  EXPECT_EQ(commands.tooltip("a"), "Tip (F5)");
}

}  // namespace
}  // namespace looktwice::gui

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  QApplication app(argc, argv);
  looktwice::gui::set_theme("dark");
  return RUN_ALL_TESTS();
}
