// The main window in the test's own process: what xdotool cannot do (drops, sessions, every
// command).
#include <QApplication>
#include <QDir>
#include <QDropEvent>
#include <QFile>
#include <QInputDialog>
#include <QMimeData>
#include <QSettings>
#include <QStandardPaths>
#include <QTemporaryDir>
#include <QTest>
#include <QTimer>
#include <QUrl>
#include <functional>

#include <gtest/gtest.h>

#include "base/json.h"
#include "command_palette.h"
#include "main_window.h"
#include "theme.h"
#include "video/encoder.h"
#include "viewport.h"

namespace looktwice::gui {
namespace {

constexpr const char* kScene = "synth:static?width=320&height=240&frames=128";

/// Runs the event loop until `done`; the time is when to give up.
bool wait_for(const std::function<bool()>& done) {
  return QTest::qWaitFor(done, 120'000);
}

class Window : public testing::Test {
 protected:
  void SetUp() override {
    // Every test starts as on a new machine.
    QSettings().clear();
    QDir(QStandardPaths::writableLocation(QStandardPaths::AppConfigLocation)).removeRecursively();
    start(kScene);
  }
  void start(const std::string& input) {
    StartOptions options;
    options.input = input;
    options.paused = true;
    options.tour = false;
    window = std::make_unique<MainWindow>(options);
    window->show();
    ASSERT_TRUE(QTest::qWaitForWindowExposed(window.get()));
  }
  void ready() {
    ASSERT_TRUE(wait_for([&] {
      const Json s = window->state();
      return s["open"].get<bool>() && s["frame"] >= 0 && s["measured"] >= 1 && !s["clip"].is_null();
    })) << window->state().dump();
  }
  Json state() const { return window->state(); }
  std::unique_ptr<MainWindow> window;
};

void drop(QWidget& on, const QString& path) {
  QMimeData data;
  data.setUrls({QUrl::fromLocalFile(path)});
  QDragEnterEvent enter(QPoint(50, 50), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
  QCoreApplication::sendEvent(&on, &enter);
  ASSERT_TRUE(enter.isAccepted());
  QDropEvent event(QPointF(50, 50), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
  QCoreApplication::sendEvent(&on, &event);
}

TEST_F(Window, ADroppedFileOpensAndAppearsAmongTheRecentOnes) {
  ready();
  QTemporaryDir folder;
  const QString clip = folder.filePath("a video with spaces.mkv");
  {
    video::EncoderOptions options;
    options.codec = "ffv1";
    options.fps = {25, 1};
    video::Encoder encoder(clip.toStdString(), 64, 48, options);
    const std::vector<uint8_t> rgb(size_t(64) * 48 * 3, 90);
    for (int i = 0; i < 8; ++i)
      encoder.write(frames::make_rgb_frame(rgb.data(), 64, 48, i, i / 25.0), {});
    encoder.finish({});
  }
  drop(*window, clip);
  ASSERT_TRUE(wait_for([&] {
    return state()["input"] == clip.toStdString() && state()["frame"] >= 0 &&
           !state()["opening"].get<bool>();
  })) << state().dump();
  EXPECT_TRUE(QSettings().value("source/recent").toStringList().contains(clip));
}

TEST_F(Window, ADroppedSessionBringsItsSettings) {
  ready();
  QTemporaryDir folder;
  const QString file = folder.filePath("kept.looktwice");
  Document document = default_document();
  document.settings.tokens.rlt = 0.37f;
  document.scene.style.grid.visible = true;
  Json json = to_json(document);
  json["input"] = "synth:pan?width=320&height=240&frames=96";
  write_json(file.toStdString(), json);
  drop(*window, file);
  ASSERT_TRUE(wait_for([&] { return state()["input"] == json["input"] && state()["frame"] >= 0; }));
  EXPECT_NEAR(state()["tau"].get<double>(), 0.37, 1e-6);
}

TEST_F(Window, SettingsAndLayoutComeBack) {
  ready();
  ASSERT_TRUE(window->run("tau.up"));
  const double tau = state()["tau"];
  ASSERT_TRUE(window->run("window.light"));
  ASSERT_TRUE(window->run("window.larger"));
  ASSERT_TRUE(window->run("show.layers"));
  ASSERT_TRUE(window->run("view.wipe"));
  window->close();
  window.reset();
  start(kScene);
  ready();
  EXPECT_EQ(state()["tau"].get<double>(), tau);
  EXPECT_EQ(state()["layout"], "wipe");
  EXPECT_FALSE(state()["docks"]["dock.layers"]["visible"].get<bool>());
  const QSettings settings;
  EXPECT_EQ(settings.value("window/theme").toString(), "light");
  EXPECT_DOUBLE_EQ(settings.value("window/scale").toDouble(), 1.25);
  set_theme("dark");
  set_ui_scale(1);
}

TEST_F(Window, AClosedVideoLeavesAnEmptyPicture) {
  ready();
  ASSERT_TRUE(window->run("file.close"));
  ASSERT_TRUE(wait_for([&] { return !state()["open"].get<bool>() && state()["settled"]; }));
  EXPECT_EQ(state()["frame"], -1);
  EXPECT_TRUE(state()["clip"].is_null());
  EXPECT_EQ(state()["clips"], 0);
  window->close();
  window.reset();
  start(kScene);
  ready();
}

TEST_F(Window, AGraphWithoutAnEndIsMeasuredAroundThePlayhead) {
  ready();
  window->close();
  window.reset();
  start("lavfi:testsrc2=size=320x240:rate=25");
  ready();
  EXPECT_TRUE(state()["frames"].is_null());
  EXPECT_EQ(state()["clip"], 0);
  const int clips = state()["clips"];
  EXPECT_GE(clips, 2);
  // The last frame that is planned for; from there more is.
  ASSERT_TRUE(window->run("play.end"));
  ASSERT_TRUE(wait_for([&] {
    const Json s = window->state();
    return s["frame"] == 64 * clips - 1 && s["clip"] == clips - 1;
  })) << state().dump();
  EXPECT_GT(state()["clips"], clips);
}

TEST_F(Window, EveryCommandCanBeFoundByItsWords) {
  ready();
  ASSERT_GT(window->commands().all().size(), 80u);
  for (const Command& command : window->commands().all()) {
    QString words = command.text;
    words.remove('&');
    EXPECT_FALSE(command.tip.isEmpty()) << command.id.toStdString();
    EXPECT_GE(CommandPalette::score(words, command.group + ": " + words), 0)
        << command.id.toStdString();
  }
}

TEST_F(Window, AViewCanBeTypedAndOneSideHidden) {
  ready();
  const auto type = [&](const char* text) {
    QTimer::singleShot(0, window.get(), [this, text] {
      ASSERT_TRUE(wait_for([&] { return window->findChild<QInputDialog*>("view") != nullptr; }));
      auto* dialog = window->findChild<QInputDialog*>("view");
      dialog->setTextValue(text);
      dialog->accept();
    });
    ASSERT_TRUE(window->run("view.place"));
  };
  auto* viewport = window->findChild<Viewport*>();
  ASSERT_NE(viewport, nullptr);
  type("80, 60, 400 %");
  EXPECT_EQ(viewport->view(), (compose::View{4, 0.25, 0.25}));
  for (const char* bad : {"80, 60", "80, 60, 0.1", "81, x, 100", "400, 60, 100", ""}) {
    type(bad);
    EXPECT_EQ(viewport->view(), (compose::View{4, 0.25, 0.25})) << bad;
  }
  type("0 0 0");
  EXPECT_EQ(viewport->view(), compose::View{});

  EXPECT_FALSE(window->run("view.only_second"));  // nothing is hidden of one picture
  ASSERT_TRUE(window->run("view.stack"));
  ASSERT_TRUE(window->run("view.only_second"));
  EXPECT_EQ(compose::only_pane(window->workspace().document().scene), 1);
  ASSERT_TRUE(window->run("view.only_second"));
  EXPECT_EQ(compose::only_pane(window->workspace().document().scene), -1);
}

TEST_F(Window, TogglesOfTheLayersAreOneStepToUndoEach) {
  ready();
  const std::string before = to_json(window->workspace().document()).dump();
  for (const char* id : {"view.marks", "view.heat", "view.grid", "view.legend", "layers.outline",
                         "layers.crop", "layers.titles", "layers.luma", "layers.dim",
                         "layers.inferno", "view.side_by_side", "view.swap"}) {
    ASSERT_TRUE(window->run(id)) << id;
    ASSERT_NE(to_json(window->workspace().document()).dump(), before) << id;
    ASSERT_TRUE(window->run("edit.undo")) << id;
    if (std::string(id) == "view.side_by_side") {
      ASSERT_TRUE(window->run("edit.redo"));
      continue;
    }
    if (std::string(id) == "view.swap") {
      ASSERT_TRUE(window->run("edit.undo"));
    }
    EXPECT_EQ(to_json(window->workspace().document()).dump(), before) << id;
  }
}

TEST_F(Window, ClosingWhileClipsAreMeasuredIsClean) {
  window->close();
  window.reset();
  for (const char* input :
       {"synth:pan?width=1920&height=1080", "synth:cut?width=1280&height=720"}) {
    start(input);
    ASSERT_TRUE(wait_for([&] { return state()["frame"] >= 0; }));
    window->close();
    window.reset();
  }
}

TEST_F(Window, PatchesAreInspectedByTheKeyboard) {
  ready();
  ASSERT_TRUE(window->run("patch.right"));
  const auto first = window->workspace().pinned();
  ASSERT_TRUE(first.has_value());
  ASSERT_TRUE(window->run("patch.right"));
  ASSERT_TRUE(window->run("patch.up"));
  const auto second = window->workspace().pinned();
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->column, first->column + 1);
  EXPECT_EQ(second->row, first->row - 1);
  ASSERT_TRUE(window->run("view.unpin"));
  EXPECT_FALSE(window->workspace().pinned().has_value());
}

}  // namespace
}  // namespace looktwice::gui

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  QTemporaryDir home;
  qputenv("XDG_CONFIG_HOME", home.path().toUtf8());
  qputenv("XDG_CACHE_HOME", home.path().toUtf8());
  QApplication app(argc, argv);
  QCoreApplication::setOrganizationName("looktwice");
  QCoreApplication::setApplicationName("looktwice");
  QSettings::setDefaultFormat(QSettings::IniFormat);
  looktwice::gui::set_theme("dark");
  return RUN_ALL_TESTS();
}
