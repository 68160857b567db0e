#pragma once
// ToMe schedules as the panel edits them: one number a layer, and the text of --tome.

#include <string>
#include <vector>

namespace looktwice::gui {

/// r of every layer; empty if the text is none or too long for the model: `wrong` then says why.
std::vector<int> schedule_values(const std::string& text, int layers, std::string* wrong = nullptr);
/// The shortest text for these numbers: "8" where all are equal, else "[8,8,4,…]".
std::string schedule_text(const std::vector<int>& values);

/// Tokens that would enter each layer, then leave the last, if `entering` tokens of which `kept`
/// are never merged (class and distillation tokens) met this schedule. Bipartite matching: a layer
/// merges at most half of the others.
std::vector<int> planned_tokens(const std::vector<int>& schedule, int entering, int kept);
/// The most that a layer can merge of so many tokens.
int merge_cap(int tokens, int kept);

}  // namespace looktwice::gui
